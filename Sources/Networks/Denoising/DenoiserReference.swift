import Basics
import Foundation

/// Saved inputs and outputs of a denoiser: `x`, `sigma`, `label` (−1: unconditional), `denoised`, and
/// optionally `gradient`, of Σ(D(x;σ,y) − x)² to x through both.
package struct DenoiserReference: Sendable {
  /// The worst row of one tensor.
  package struct Row: Sendable {
    /// `denoised` or `gradient`.
    package let tensor: String
    /// Number of rows.
    package let count: Int
    /// Index of the worst.
    package let row: Int
    /// ‖a − b‖₂/‖b‖₂ there.
    package let error: Double
  }

  private let x: [Float]
  private let sigma: [Float]
  private let labels: [Int?]
  private let expected: [(tensor: String, values: [Float])]

  /// Reads the tensors and checks their shapes.
  ///
  /// - Throws: `ElbowError` where a tensor is missing, `ElbowError` where the shapes do not
  ///   fit each other or the denoiser.
  package init(_ file: SafetensorsFile, for denoiser: EDMDenoiser) throws {
    let shape = denoiser.shape
    let image = [shape.channels, shape.height, shape.width]
    let count = try file.entry("sigma").count
    func images(_ name: String) throws -> [Float] {
      let found = try file.entry(name).shape
      guard found == [count] + image else {
        throw ElbowError(
          .damaged,
          "\(file.path): tensor '\(name)' has shape \(found), this model needs \([count] + image)")
      }
      return try file.floats(name)
    }
    guard count > 0 else { throw ElbowError(.damaged, "\(file.path): has no rows") }
    sigma = try file.floats("sigma")
    guard sigma.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ElbowError(.damaged, "\(file.path): sigma must be positive and finite")
    }
    x = try images("x")
    labels = try file.floats("label").map { $0 < 0 ? nil : Int($0) }
    guard labels.count == count else {
      throw ElbowError(.damaged, "\(file.path): has \(labels.count) labels for \(count) rows")
    }
    if let label = labels.compactMap(\.self).first(where: { $0 >= denoiser.classCount }) {
      throw ElbowError(
        .damaged,
        "\(file.path): holds label \(label), the model has \(denoiser.classCount) classes")
    }
    if denoiser.isMultiHead, labels.contains(nil) {
      throw ElbowError(
        .damaged,
        "\(file.path): holds an unconditional row (label -1), which a multi-head network cannot "
          + "compute; leave it out")
    }
    var expected = [("denoised", try images("denoised"))]
    if file.entries["gradient"] != nil { expected.append(("gradient", try images("gradient"))) }
    self.expected = expected
  }

  /// The worst row of each tensor.
  package func compare(_ denoiser: EDMDenoiser) -> [Row] {
    let session = EDMDenoiser.Session(denoiser)
    let size = denoiser.shape.count
    let zeros = [Float](repeating: 0, count: size)
    let wantsGradient = expected.contains { $0.tensor == "gradient" }
    var worst = expected.map { (row: 0, error: 0.0, tensor: $0.tensor) }
    for row in sigma.indices {
      let image = Array(x[row * size..<(row + 1) * size])
      let label = [labels[row]]
      var (residual, gradient) = (zeros, zeros)
      var output = residual.mutableSpan
      session.residuals(
        image: image.span, noise: zeros.span, sigma: sigma[row], labels: label, into: &output)
      // D = r + x; the gradient of Σr² is the pullback of 2r.
      if wantsGradient {
        var pulled = gradient.mutableSpan
        session.gradient(
          image: image.span, noise: zeros.span, sigma: sigma[row], labels: label, into: &pulled
        ) { _, r in
          for i in 0..<size { r[i] *= 2 }
        }
      }
      let found = ["denoised": zip(residual, image).map { $0 + $1 }, "gradient": gradient]
      for i in expected.indices {
        let values = expected[i].values[row * size..<(row + 1) * size]
        let error = relativeError(found[expected[i].tensor] ?? [], values)
        // A NaN is worse than any number.
        if !(error <= worst[i].error) { (worst[i].row, worst[i].error) = (row, error) }
      }
    }
    return worst.map { Row(tensor: $0.tensor, count: sigma.count, row: $0.row, error: $0.error) }
  }
}

/// ‖a − b‖₂/‖b‖₂, in Double; NaN or +∞ where a value is not finite.
package func relativeError(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
  precondition(a.count == b.count, "\(a.count) values against \(b.count)")
  var (difference, norm) = (0.0, 0.0)
  for (a, b) in zip(a, b) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    norm += Double(b) * Double(b)
  }
  return (difference / max(norm, .leastNormalMagnitude)).squareRoot()
}
