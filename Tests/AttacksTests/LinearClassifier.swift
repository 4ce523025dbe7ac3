import Attacks
import Classifiers
import Records
import TensorCore

/// A linear classifier z = W·x + b, whose best attack is known: the corner of the ball against the
/// difference of two rows.
struct LinearClassifier: DifferentiableClassifier {
  var shape = ImageShape(channels: 1, height: 3, width: 4)
  var classCount = 4
  /// Standard deviation of noise on the logits, drawn from the stream.
  var jitter = 0.0
  var scale = 1.0
  var isRandomized: Bool { jitter != 0 }

  func weight(_ k: Int, _ i: Int) -> Double { Double((k * 7 + i * 5) % 11 - 5) / 5 }

  func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) -> LogitAnswer {
    var random = NoiseKey(stream, .classification, key).random()
    let logits = (0..<classCount).map { k in
      scale * image.indices.reduce(0) { $0 + weight(k, $1) * Double(image[$1]) }
        + jitter * (2 * random.uniform() - 1)
    }
    return LogitAnswer(logits: logits, cost: Cost(evaluations: 1))
  }

  func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) -> LogitGradient {
    let z = logits(of: image, key: key, stream: stream).logits
    let c = cotangent(z)
    let gradient = image.indices.map { i in
      Float((0..<classCount).reduce(0) { $0 + scale * c[$1] * weight($1, i) })
    }
    return LogitGradient(
      logits: z, gradient: gradient, cost: Cost(evaluations: 2, gradients: 1))
  }

  /// The likeliest class of an image, noise aside.
  func label(of image: [Float]) -> Int {
    var quiet = self
    quiet.jitter = 0
    let z = quiet.logits(of: image, key: Self.key, stream: Self.stream).logits
    return z.indices.max { z[$0] < z[$1] } ?? 0
  }

  /// The distance to the nearest image of [0, 1] on the boundary to any rival, by bisection.
  func exactDistance(of image: [Float], norm: AttackConfiguration.Norm) -> Double {
    let z = logits(of: image, key: Self.key, stream: Self.stream).logits
    let y = label(of: image)
    return z.indices.filter { $0 != y }.map { rival in
      let w = image.indices.map { scale * (weight(rival, $0) - weight(y, $0)) }
      /// The farthest that ⟨w, ·⟩ rises with steps of t along signs, or along w; and their length.
      func moved(_ t: Double) -> (gain: Double, length: Double) {
        let steps = image.indices.map { i -> Double in
          let room = w[i] > 0 ? 1 - Double(image[i]) : Double(image[i])
          return w[i] == 0 ? 0 : min(norm == .l2 ? t * w[i].magnitude : t, room)
        }
        let gain = zip(w, steps).reduce(0) { $0 + $1.0.magnitude * $1.1 }
        let length =
          norm == .l2
          ? steps.reduce(0) { $0 + $1 * $1 }.squareRoot() : steps.reduce(0) { max($0, $1) }
        return (gain, length)
      }
      var (low, high) = (0.0, 1e3)
      guard moved(high).gain >= z[y] - z[rival] else { return .infinity }
      for _ in 0..<200 {
        let middle = (low + high) / 2
        if moved(middle).gain >= z[y] - z[rival] { high = middle } else { low = middle }
      }
      return moved(high).length
    }.min() ?? .infinity
  }

  static let key = ImageKey(dataset: "d", split: "test", index: 0)
  static let stream = NoiseStream(seed: 0, owner: .defence)
}
