import Basics
import Networks
import TensorCore

/// A denoiser that another process computes.
///
/// What goes over the pipe is D − x_σ, which stays exact where σ is small: the residual is that plus
/// σε, and its Jacobian by x is that of D − x_σ.
public final class EngineDenoiser: Denoiser {
  private let client: EngineClient

  /// The denoiser that an engine serves.
  ///
  /// - Throws: `ElbowError` where it serves another thing.
  public init(_ client: EngineClient) throws {
    guard client.hello.kind == .denoiser else {
      throw ElbowError(
        .malformed,
        "the engine serves a classifier, not a denoiser; take it with `classifier` cnn or lm+cnn")
    }
    self.client = client
  }

  public var shape: ImageShape { client.hello.imageShape }
  public var classCount: Int { client.hello.classes }
  public var isUnconditional: Bool { client.hello.unconditional ?? (classCount == 0) }
  public var isMultiHead: Bool { false }
  public var preferredBatch: Int? { client.hello.batch }

  public func makeSession() -> any DenoiserSession { Session(client, shape.count) }

  private final class Session: DenoiserSession {
    private let client: EngineClient
    private let size: Int

    init(_ client: EngineClient, _ size: Int) { (self.client, self.size) = (client, size) }

    /// One image at one level, for several labels.
    private struct Query {
      var noisy: [Float] = []
      var offset: [Float] = []
      let count: Int

      init(_ image: Span<Float>, _ noise: Span<Float>, _ sigma: Float, _ count: Int) {
        self.count = count
        noisy.reserveCapacity(image.count * count)
        offset.reserveCapacity(image.count)
        for i in image.indices {
          offset.append(sigma * noise[i])
          noisy.append(image[i] + offset[i])
        }
        let one = noisy
        for _ in 1..<count { noisy += one }
      }

      /// σε of every row.
      var offsets: [Float] { (0..<count).flatMap { _ in offset } }
    }

    /// σ and label of every row; a label is the bits of an Int32, −1 for none.
    private func heads(_ sigma: Float, _ labels: [Int?]) -> [[Float]] {
      [
        Array(repeating: sigma, count: labels.count),
        labels.map { Float(bitPattern: UInt32(bitPattern: Int32($0 ?? -1))) },
      ]
    }

    func residuals(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into residuals: inout MutableSpan<Float>
    ) throws {
      let query = Query(image, noise, sigma, labels.count)
      let answer = try client.ask(.denoise(size), heads(sigma, labels) + [query.noisy])
      for row in labels.indices {
        for i in 0..<size { residuals[row * size + i] = answer[row * size + i] + query.offset[i] }
      }
    }

    func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) throws {
      let query = Query(image, noise, sigma, labels.count)
      let heads = heads(sigma, labels)
      let answer = try client.ask(.denoise(size), heads + [query.noisy])
      var cotangents: [Float] = []
      for row in labels.indices {
        var values = (0..<size).map { answer[row * size + $0] + query.offset[$0] }
        var span = values.mutableSpan
        cotangent(row, &span)
        cotangents += values
      }
      try sum(client.ask(.pullback(size), heads + [query.noisy, cotangents]), into: &gradient)
    }

    func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>, of cotangent: ResidualCotangent
    ) throws {
      let query = Query(image, noise, sigma, labels.count)
      let isSign = if case .sign = cotangent.form { true } else { false }
      let answer = try client.ask(
        .pull(size, sign: isSign),
        heads(sigma, labels) + [query.noisy, query.offsets, cotangent.factors])
      sum(answer, into: &gradient)
    }

    private func sum(_ rows: [Float], into gradient: inout MutableSpan<Float>) {
      for i in 0..<size { gradient[i] = rows[i] }
      for start in stride(from: size, to: rows.count, by: size) {
        for i in 0..<size { gradient[i] += rows[start + i] }
      }
    }
  }
}
