import Basics
import Records
import TensorCore

/// Names one stream of random numbers by everything that it may depend on.
///
/// A noise vector is a function of this key alone: not of batch size, thread count, order or
/// strategy. The same σ in two grids means the same noise.
public struct NoiseKey: Hashable, Sendable {
  /// What the numbers are for.
  public enum Purpose: UInt32, Sendable {
    /// ε of a diffusion loss.
    case classification = 1
    /// σ and ε of a step of likelihood maximization.
    case maximization = 2
    /// A strategy's random choice of timesteps.
    case strategy = 3
    /// An attack's starting point.
    case start = 4
    /// ε of diffusion purification, and the noise of its steps back.
    case purification = 5
    /// The noise of a draw of randomized smoothing.
    case smoothing = 6
  }

  /// Seed and owner.
  public var stream: NoiseStream
  /// What the numbers are for.
  public var purpose: Purpose
  /// The image, by its source.
  public var image: ImageKey
  /// Noise level; 0 where the numbers do not depend on it.
  public var sigma: Float
  /// Noise draw, or the step of likelihood maximization or purification; from 0.
  public var draw: Int
  /// Class, where classes do not share noise.
  public var label: Int?

  /// The key of numbers for one image.
  public init(
    _ stream: NoiseStream, _ purpose: Purpose, _ image: ImageKey, sigma: Float = 0, draw: Int = 0,
    label: Int? = nil
  ) {
    self.stream = stream
    self.purpose = purpose
    self.image = image
    self.sigma = sigma
    self.draw = draw
    self.label = label
  }

  /// The stream of this key.
  ///
  /// SHA-256 of the fields below names it: the digest's big-endian words 0–1 are Philox's key, words
  /// 2–4 counter words 1–3. The fields, little-endian: seed (8 bytes), owner
  /// (4: 0 defence, 1 attack, 2 redraw), purpose (4), attack step or redraw (4), EOT draw (4), image
  /// index (8), bits of
  /// the Float32 σ (4), draw (4), class + 1 or 0 (4), then dataset, a zero byte, split in UTF-8.
  public func random() -> RandomStream {
    var bytes: [UInt8] = []
    func append<T: FixedWidthInteger>(_ value: T) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    append(stream.seed)
    switch stream.owner {
    case .defence:
      append(UInt32(0))
      append(purpose.rawValue)
      append(UInt64(0))
    case .attack(let step, let eot):
      append(UInt32(1))
      append(purpose.rawValue)
      append(UInt32(step))
      append(UInt32(eot))
    case .redraw(let draw):
      append(UInt32(2))
      append(purpose.rawValue)
      append(UInt32(draw))
      append(UInt32(0))
    }
    append(UInt64(image.index))
    append(sigma.bitPattern)
    append(UInt32(draw))
    append(UInt32(label.map { $0 + 1 } ?? 0))
    bytes.append(contentsOf: Array(image.dataset.utf8) + [0] + Array(image.split.utf8))
    var hash = SHA256()
    hash.update(bytes)
    let words = hash.digest()
    return RandomStream(
      key: SIMD2(words[0], words[1]), counter: SIMD3(words[2], words[3], words[4]))
  }
}
