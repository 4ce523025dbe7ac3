import Attacks
import Classifiers
import Records
import Synchronization
import TensorCore
import Testing

/// Says what its noise says: logits are (0, a uniform number of the stream − the image's first pixel
/// as a share), so that an image is broken by luck, the more often the darker it is.
private struct LuckyClassifier: DifferentiableClassifier {
  let shape = ImageShape(channels: 1, height: 1, width: 1)
  let classCount = 2
  var isRandomized = true

  static func luck(_ key: ImageKey, _ stream: NoiseStream) -> Double {
    var random = NoiseKey(stream, .classification, key).random()
    return random.uniform()
  }

  func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) -> LogitAnswer {
    LogitAnswer(
      logits: [0, Self.luck(key, stream) - Double(image[0])], cost: Cost(evaluations: 1))
  }

  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) -> LogitGradient {
    let z = logits(of: image, key: key, stream: stream).logits
    return LogitGradient(
      logits: z, gradient: [Float(-cotangent(z)[1])], cost: Cost(evaluations: 1, gradients: 1))
  }
}

/// Remembers what it was asked for: logits 0, −1, … −4, and one that nothing is near.
private final class DemandRecorder: DifferentiableClassifier {
  let shape = ImageShape(channels: 1, height: 1, width: 1)
  let classCount = 6
  let isRandomized = true
  let demands = Mutex<[GradientDemand]>([])

  func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) -> LogitAnswer {
    LogitAnswer(logits: [0, -1, -2, -3, -4, -40], cost: Cost(evaluations: 1))
  }

  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) -> LogitGradient {
    demands.withLock { $0.append(demand) }
    return LogitGradient(
      logits: logits(of: image, key: key, stream: stream).logits, gradient: [1], cost: Cost())
  }
}

/// Looks at fixed images in turn.
private struct Visits: QueryAttack {
  var images: [[Float]]

  func search(
    _ restart: Int, _ random: inout RandomStream, asking view: inout QueryView
  ) throws -> Shortlist {
    var found = view.shortlist
    for image in images { found.offer(try view.look(at: image)) }
    return found
  }
}

@Suite struct ViewTests {
  private let key = ImageKey(dataset: "d", split: "test", index: 3)
  private let defence = NoiseStream(seed: 5, owner: .defence)

  private func result(
    _ images: [[Float]], knowing knowledge: Knowledge, restarts: Int = 1,
    against classifier: LuckyClassifier = LuckyClassifier()
  ) throws -> AttackResult {
    try Attacker(Visits(images: images), restarts: restarts, knowing: knowledge).perturb(
      [0.5], label: 0, key: key, seed: 9, defence: defence, against: classifier)
  }

  /// Known noise is the defence's own; fresh noise another at every look.
  @Test func frozenNoiseIsTheDefences() throws {
    let frozen = try result([[0.25]], knowing: Knowledge(noise: .frozen))
    #expect(frozen.loss == LuckyClassifier.luck(key, defence) - 0.25)
    let first = LuckyClassifier.luck(
      key, NoiseStream(seed: 9, owner: .attack(step: 0, eot: 0)))
    #expect(try result([[0.25]], knowing: Knowledge()).loss == first - 0.25)
  }

  /// Between looks at all classes only those that may matter are asked for: the true one, its nearest
  /// rivals, those that beat it, and what weighs in the objective.
  @Test func looksDoWithoutHopelessClasses() throws {
    func absences(_ rivals: Int, _ loss: AttackLoss, label: Int = 1) throws -> [[Int]] {
      let asked = DemandRecorder()
      let attack = PGD(loss: loss, norm: .linf, epsilon: 0.1, steps: 20)
      _ = try Attacker(attack, knowing: Knowledge(neglecting: 1e-3, rivals: rivals)).perturb(
        [0.5], label: label, key: key, seed: 9, defence: defence, against: asked)
      return asked.demands.withLock { $0.map { ($0.absence?.gaps.keys.sorted() ?? []) } }
    }
    let all = Array(repeating: [Int](), count: 21)
    #expect(try absences(0, .margin) == all)
    var some = Array(repeating: [4, 5], count: 21)
    for look in [0, 10, 20] { some[look] = [] }
    // Class 0 beats class 1; 2 and 3 come next.
    #expect(try absences(3, .margin) == some)
    // Of a class far behind all others every class beats it.
    #expect(try absences(1, .margin, label: 5) == all)
    // All of them weigh in the cross-entropy of logits this close, but the last.
    var heavy = Array(repeating: [5], count: 21)
    for look in [0, 10, 20] { heavy[look] = [] }
    #expect(try absences(1, .ce) == heavy)
  }

  @Test func drawsAreAveragedAndCounted() throws {
    let made = try result([[0.25]], knowing: Knowledge(draws: 4))
    let mean =
      (0..<4).reduce(0) {
        $0 + LuckyClassifier.luck(key, NoiseStream(seed: 9, owner: .attack(step: 0, eot: $1)))
      } / 4
    #expect(abs(made.loss - (mean - 0.25)) < 1e-12)
    #expect(made.cost == Cost(evaluations: 4))
  }

  /// Of images that one look each found broken, most fresh draws decide; without them the luckiest
  /// look does.
  @Test func freshDrawsChooseTheFinalImage() throws {
    // The first look is the luckiest only by its draw: search a seed-independent order by trying.
    let images = (0..<20).map { [Float(0.95) - Float($0 % 2) * 0.6] }
    let oneLook = try result(images, knowing: Knowledge())
    let chosen = try result(images, knowing: Knowledge(choiceDraws: 10))
    #expect(chosen.image == [Float(0.95) - 0.6])
    #expect(chosen.cost.evaluations >= 20 + 5 * 10)
    #expect(oneLook.cost.evaluations == 20)
    #expect(oneLook.loss >= chosen.loss)
  }

  /// Where what is seen is what is answered there is nothing to choose, and nothing to pay.
  @Test func certainViewsChooseNothing() throws {
    let images = (0..<20).map { [Float($0) / 20] }
    let certain = LuckyClassifier(isRandomized: false)
    for knowledge in [Knowledge(noise: .frozen), Knowledge(choiceDraws: 10)] {
      let made = try result(images, knowing: knowledge, against: certain)
      #expect(made.cost.evaluations == 20)
    }
  }

  /// A restart after the first that broke the image for certain is spared; luck is no certainty.
  @Test func restartsSpareWhatHasFallen() throws {
    let frozen = Knowledge(noise: .frozen)
    #expect(try result([[0]], knowing: frozen, restarts: 7).cost.evaluations == 1)
    #expect(try result([[1]], knowing: frozen, restarts: 7).cost.evaluations == 7)
    #expect(try result([[0]], knowing: Knowledge(), restarts: 7).cost.evaluations == 7)
  }

  @Test func shortlistsKeepTheBestInOrder() {
    func point(_ loss: Double, _ margin: Double) -> AttackPoint {
      AttackPoint(image: [Float(loss)], loss: loss, margin: margin)
    }
    var list = Shortlist(capacity: 3)
    for p in [point(1, -1), point(5, -1), point(0, 1), point(5, -2), point(3, 2)] { list.offer(p) }
    #expect(list.points.map(\.loss) == [3, 0, 5])
    #expect(list.points[2].margin == -1)
    var other = Shortlist(capacity: 1)
    other.offer(point(9, 1))
    list.merge(other)
    #expect(list.best?.loss == 9)
  }
}
