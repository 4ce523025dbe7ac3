import Attacks
import Classifiers
import Records
import TensorCore
import Testing

/// Attacks that move pixels.
@Suite struct SpatialTests {
  private let shape = ImageShape(channels: 2, height: 5, width: 4)
  private let image = (0..<40).map { Float(($0 * 29) % 41) / 41 }

  private func random() -> RandomStream {
    RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
  }

  @Test func aFieldOfZerosMovesNothing() {
    #expect(FlowField(of: shape).apply(to: image) == image)
  }

  /// One pixel to the right is half a width over four pixels.
  @Test func wholePixelsAreTakenFromTheirNeighbours() {
    var flow = FlowField(of: shape)
    for i in 20..<40 { flow.values[i] = 2 / 4 }
    let moved = flow.apply(to: image)
    for i in image.indices { #expect(moved[i] == image[i % 4 == 3 ? i : i + 1]) }
  }

  @Test func pullbacksMatchFiniteDifferences() {
    var (flow, random) = (FlowField(of: shape), random())
    for i in flow.values.indices { flow.values[i] = 0.3 * (2 * random.uniform() - 1) }
    let cotangent = image.indices.map { _ in Float(2 * random.uniform() - 1) }
    let gradient = flow.pullback(of: cotangent, at: image)
    func value(_ flow: FlowField) -> Double {
      zip(flow.apply(to: image), cotangent).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    for i in flow.values.indices {
      var (a, b) = (flow, flow)
      a.values[i] += 1e-3
      b.values[i] -= 1e-3
      // Float pixels over a step of 2e-3: 1e-4; the map is linear in each displacement.
      #expect(abs((value(a) - value(b)) / 2e-3 - gradient[i]) < 5e-4)
    }
  }

  /// Σ over pixels and their four neighbours of √(‖difference‖² + 1e-10).
  @Test func roughnessMatchesFiniteDifferences() {
    var (flow, random) = (FlowField(of: shape), random())
    for i in flow.values.indices { flow.values[i] = random.uniform() }
    func roughness(_ v: [Double]) -> Double {
      var sum = 0.0
      for y in 0..<5 {
        for x in 0..<4 {
          for (dy, dx) in [(0, 1), (0, -1), (1, 0), (-1, 0)]
          where (0..<5).contains(y + dy) && (0..<4).contains(x + dx) {
            let (a, b) = (y * 4 + x, (y + dy) * 4 + x + dx)
            let (u, w) = (v[a] - v[b], v[20 + a] - v[20 + b])
            sum += (u * u + w * w + 1e-10).squareRoot()
          }
        }
      }
      return sum
    }
    for i in flow.values.indices {
      var (a, b) = (flow.values, flow.values)
      a[i] += 1e-6
      b[i] -= 1e-6
      #expect(abs((roughness(a) - roughness(b)) / 2e-6 - flow.roughnessGradient[i]) < 1e-5)
    }
  }

  /// What a small field can reach it reaches, and no pixel is taken from farther than the bound.
  @Test func displacementsRaiseTheMarginWithinTheirBound() throws {
    let ramp = (0..<144).map { Float($0 % 12) / 12 }
    let classifier = LinearClassifier(shape: ImageShape(channels: 1, height: 12, width: 12))
    func attack(_ bound: Double) throws -> AttackResult {
      var c = try Attacks.usual("stadv")
      c.epsilon = bound
      return try Attacks.make(c, classCount: 4, shape: classifier.shape).perturb(
        ramp, label: classifier.label(of: ramp), key: LinearClassifier.key, seed: 1,
        defence: LinearClassifier.stream, against: classifier)
    }
    let results = try [0.01, 0.05, 0.2].map(attack)
    let losses = results.map(\.loss)
    #expect(losses == losses.sorted() && losses[0] < losses[2])
    for (result, bound) in zip(results, [0.01, 0.05, 0.2]) {
      // Half a width is six pixels, a pixel is a twelfth of grey.
      #expect(result.linf <= bound * 6 / 12 + 1e-6 && result.linf > bound * 6 / 12 * 0.9)
    }
  }

  @Test func turnsAndShiftsAreThoseTheySay() {
    let square = ImageShape(channels: 1, height: 3, width: 3)
    let image: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map { $0 / 9 }
    func moved(_ angle: Double, _ down: Double, _ right: Double) -> [Int] {
      RotationTranslation.moved(image, square, angle: angle, down: down, right: right).map {
        Int(($0 * 9).rounded())
      }
    }
    #expect(moved(0, 0, 0) == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(moved(0, 1, 0) == [0, 0, 0, 1, 2, 3, 4, 5, 6])
    #expect(moved(0, 0, -1) == [2, 3, 0, 5, 6, 0, 8, 9, 0])
    let quarter = moved(.pi / 2, 0, 0)
    #expect(quarter == [3, 6, 9, 2, 5, 8, 1, 4, 7] || quarter == [7, 4, 1, 8, 5, 2, 9, 6, 3])
  }

  @Test func theWholeGridIsTried() throws {
    let classifier = LinearClassifier()
    let image = [Float](repeating: 0, count: 12)
    let attack = try Attacks.make(
      try Attacks.usual("rotation-translation"), classCount: 4, shape: classifier.shape)
    let result = try attack.perturb(
      image, label: classifier.label(of: image), key: LinearClassifier.key, seed: 1,
      defence: LinearClassifier.stream, against: classifier)
    #expect(result.cost == Cost(evaluations: 31 * 5 * 5))
    #expect(result.image == image)
  }
}
