import Records

/// Moves an image before it is classified: likelihood maximization, or diffusion and the way back.
///
/// Images are planar `[C, H, W]` in pixel units [0, 1].
public protocol Purifier: Sendable {
  /// Whether it draws noise.
  var isRandomized: Bool { get }

  /// What moving one image takes.
  var cost: Cost { get }

  /// The moved image.
  ///
  /// - Throws: what the denoiser throws.
  func purify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> PurifiedImage

  /// ∂(Σ cotangent·moved image)/∂image, in pixel units on both sides.
  ///
  /// - Parameters:
  ///   - cotangent: one value a pixel of the moved image.
  ///   - image: what was moved.
  ///   - purified: what `purify` made of it on the same stream.
  ///   - smoothing: τ of the gradient `smoothed`; nil: the exact one.
  /// - Throws: what the denoiser throws.
  func pullback(
    of cotangent: [Float], at image: [Float], through purified: PurifiedImage, key: ImageKey,
    stream: NoiseStream, smoothing: Double?
  ) throws -> [Float]

  /// What carrying one gradient back takes.
  func pullbackCost(_ gradient: AttackConfiguration.Gradient) -> Cost

  /// What is wrong with a way for gradients through it, nil where nothing is.
  func problem(_ gradient: AttackConfiguration.Gradient) -> String?
}

/// What a purifier made of an image.
public struct PurifiedImage: Sendable {
  /// Planar `[C, H, W]`, pixel units [0, 1].
  public var image: [Float]
  /// Where the denoiser was asked on the way, in order, and the end before it was clipped, `[C·H·W]`
  /// each, [−1, 1] units; empty where the way back does not begin from them.
  var path: [[Float]] = []

  /// An image with no path kept.
  public init(_ image: [Float]) { self.image = image }
}
