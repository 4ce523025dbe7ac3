import Basics
import CKernels
import Foundation
import Networks
import TensorCore

/// The best denoiser of a training set, in closed form:
///
///     D*(x_σ; σ, y) = Σ_i s_i x_i,    s = softmax_i(−‖x_σ − x_i‖²/2σ²)
///
/// over the training images of class y (all of them without a label). It needs no network and is an
/// upper reference for diffusion classifiers.
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), appendix B.3; arXiv 2305.15241, section 3.4.
public final class OptimalDenoiser: Denoiser {
  public let shape: ImageShape
  public let classCount: Int
  public var isUnconditional: Bool { true }
  public var isMultiHead: Bool { false }

  /// Training images sorted by class, rows padded with zeros to whole registers, `[n, stride]`.
  private let rows: Rows
  private let stride: Int
  /// Rows of each class, `[K]`.
  private let ranges: [Range<Int>]

  private enum Rows: Sendable {
    case bytes([UInt8])
    /// In grey values as well, with fractions.
    case reals([Float])
  }

  /// - Parameters:
  ///   - shape: the images' size.
  ///   - bytes: grey values, planar, `[labels.count, C, H, W]`.
  ///   - labels: classes.
  ///   - classCount: K.
  /// - Throws: `ElbowError` where a class has no image.
  public init(shape: ImageShape, bytes: [UInt8], labels: [UInt8], classCount: Int) throws {
    self.shape = shape
    self.classCount = classCount
    stride = aligned(shape.count)
    let (rows, ranges) = try Self.sorted(bytes, shape, labels, classCount)
    (self.rows, self.ranges) = (.bytes(rows), ranges)
  }

  /// - Parameters:
  ///   - shape: the images' size.
  ///   - values: in [0, 1], planar, `[labels.count, C, H, W]`.
  ///   - labels: classes.
  ///   - classCount: K.
  /// - Throws: `ElbowError` where a class has no image.
  public init(shape: ImageShape, values: [Float], labels: [UInt8], classCount: Int) throws {
    self.shape = shape
    self.classCount = classCount
    stride = aligned(shape.count)
    let (rows, ranges) = try Self.sorted(values.map { 255 * $0 }, shape, labels, classCount)
    (self.rows, self.ranges) = (.reals(rows), ranges)
  }

  private static func sorted<Value: Numeric>(
    _ values: [Value], _ shape: ImageShape, _ labels: [UInt8], _ classCount: Int
  ) throws -> ([Value], [Range<Int>]) {
    precondition(values.count == labels.count * shape.count)
    let stride = aligned(shape.count)
    var rows: [Value] = []
    rows.reserveCapacity(labels.count * stride)
    var ranges: [Range<Int>] = []
    let padding = [Value](repeating: 0, count: stride - shape.count)
    for label in 0..<classCount {
      let first = ranges.last?.upperBound ?? 0
      var count = 0
      for i in labels.indices where Int(labels[i]) == label {
        rows.append(contentsOf: values[i * shape.count..<(i + 1) * shape.count])
        rows.append(contentsOf: padding)
        count += 1
      }
      guard count > 0 else {
        throw ElbowError(
          .malformed,
          "class \(label) has no training image, and the optimal classifier needs one of each class; "
            + "take another `data`, or another `classifier`")
      }
      ranges.append(first..<first + count)
    }
    return (rows, ranges)
  }

  public func makeSession() -> any DenoiserSession { Session(self) }

  private func rows(of label: Int?) -> Range<Int> {
    label.map { ranges[$0] } ?? 0..<(ranges.last?.upperBound ?? 0)
  }

  private final class Session: DenoiserSession {
    private let owner: OptimalDenoiser
    /// x_σ in grey values; D in the same units; a scratch row. `[stride]`.
    private var query: [Float]
    private var mean: [Float]
    private var scratch: [Float]
    /// r or v of one label, `[C·H·W]`.
    private var values: [Float]
    /// The rows that count, and their s_i.
    private var support: [Int] = []
    private var shares: [Float] = []
    private var distances: [Float] = []
    private var sigma: Float = 1

    /// Rows whose share is below 2⁻⁴⁰ of the largest add less than Float32 can tell.
    private static let negligible = -40 * log(2.0)

    init(_ owner: OptimalDenoiser) {
      self.owner = owner
      query = Array(repeating: 0, count: owner.stride)
      (mean, scratch) = (query, query)
      values = Array(repeating: 0, count: owner.shape.count)
    }

    func residuals(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into residuals: inout MutableSpan<Float>
    ) {
      locate(image: image, noise: noise, sigma: sigma)
      let count = owner.shape.count
      for (index, label) in labels.enumerated() {
        denoise(label)
        for i in 0..<count { residuals[index * count + i] = (mean[i] / 127.5 - 1) - image[i] }
      }
    }

    func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) {
      locate(image: image, noise: noise, sigma: sigma)
      let count = owner.shape.count
      for i in 0..<count { gradient[i] = 0 }
      for (index, label) in labels.enumerated() {
        denoise(label)
        for i in 0..<count { values[i] = (mean[i] / 127.5 - 1) - image[i] }
        var span = values.mutableSpan
        cotangent(index, &span)
        addPullback(to: &gradient)
      }
    }

    /// Takes x_σ.
    private func locate(image: Span<Float>, noise: Span<Float>, sigma: Float) {
      precondition(sigma > 0 && sigma.isFinite, "σ must be positive and finite, got \(sigma)")
      self.sigma = sigma
      // x = grey/127.5 − 1.
      for i in 0..<owner.shape.count { query[i] = (image[i] + sigma * noise[i] + 1) * 127.5 }
    }

    /// D* at x_σ for one label.
    private func denoise(_ label: Int?) {
      measure(owner.rows(of: label))
      combine(weights: shares, into: &mean)
    }

    /// Adds (∂r/∂x)ᵀ v of the label denoised last, v in `values`.
    private func addPullback(to gradient: inout MutableSpan<Float>) {
      // ∂D/∂x = Cov_s(x_i)/σ², symmetric: Σ s_i x_i·((x_i − D)·v)/σ².
      let count = owner.shape.count
      for i in 0..<count { scratch[i] = values[i] }
      for i in count..<owner.stride { scratch[i] = 0 }
      let projections = owner.withRows { rows, areBytes in
        support.map { kernels.inner_product(rows, areBytes, owner.stride, $0, scratch) }
      }
      let centre = zip(shares, projections).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      let weights = zip(shares, projections).map { $0 * ($1 - Float(centre)) }
      combine(weights: weights, into: &scratch)
      // Both factors are in grey values: 127.5² of them a unit squared.
      let scale = 1 / (127.5 * 127.5 * sigma * sigma)
      for i in 0..<count { gradient[i] += scale * scratch[i] - values[i] }
    }

    /// Softmax of −‖x_σ − x_i‖²/2σ² over `rows`.
    private func measure(_ rows: Range<Int>) {
      let stride = owner.stride
      distances = [Float](unsafeUninitializedCapacity: rows.count) { distances, count in
        count = rows.count
        guard let distances = distances.baseAddress else { return }
        owner.withRows { all, areBytes in
          let size = areBytes == 0 ? MemoryLayout<Float>.stride : 1
          kernels.squared_distances(
            all + rows.lowerBound * stride * size, areBytes, rows.count, stride, query, distances)
        }
      }
      let unit = 2 * 127.5 * 127.5 * Double(sigma) * Double(sigma)
      let nearest = Double(distances.min() ?? 0)
      support.removeAll(keepingCapacity: true)
      shares.removeAll(keepingCapacity: true)
      var total = 0.0
      for (offset, distance) in distances.enumerated() {
        let exponent = (nearest - Double(distance)) / unit
        guard exponent > Self.negligible else { continue }
        let share = exp(exponent)
        total += share
        support.append(rows.lowerBound + offset)
        shares.append(Float(share))
      }
      for i in shares.indices { shares[i] = Float(Double(shares[i]) / total) }
    }

    /// Σ weight·row over the support, in grey values.
    private func combine(weights: [Float], into sum: inout [Float]) {
      owner.withRows { rows, areBytes in
        kernels.weighted_sum(
          rows, areBytes, owner.stride, support, weights, support.count, &sum)
      }
    }
  }

  /// Calls `body` with the rows and 1 where they are bytes, 0 where they are floats.
  private func withRows<Result>(_ body: (UnsafeRawPointer, Int32) -> Result) -> Result {
    switch rows {
    case .bytes(let all): all.withUnsafeBytes { body($0.baseAddress.unsafelyUnwrapped, 1) }
    case .reals(let all): all.withUnsafeBytes { body($0.baseAddress.unsafelyUnwrapped, 0) }
    }
  }
}
