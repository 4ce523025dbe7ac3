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

  /// The moved images of several of one name, with the way back to each.
  ///
  /// - Parameters:
  ///   - keepsForBackward: whether `pullback` will be asked for.
  ///   - smoothing: as of `pullback`.
  /// - Throws: what the denoiser throws.
  func passes(
    of images: [DrawnImage], key: ImageKey, keepsForBackward keeps: Bool, smoothing: Double?
  ) throws -> PurificationPasses

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

/// What a purifier made of several images, with the way back to each.
public struct PurificationPasses {
  /// One an image, planar `[C, H, W]`, pixel units [0, 1].
  public var images: [[Float]]
  /// ∂(Σ cotangent·moved image)/∂image of every image, in pixel units on both sides; asked for once.
  public var pullback: (_ cotangents: [[Float]]) throws -> [[Float]]

  /// The passes as given.
  public init(
    images: [[Float]], pullback: @escaping (_ cotangents: [[Float]]) throws -> [[Float]]
  ) {
    (self.images, self.pullback) = (images, pullback)
  }
}

extension Purifier {
  /// Each image alone.
  public func passes(
    of images: [DrawnImage], key: ImageKey, keepsForBackward keeps: Bool, smoothing: Double?
  ) throws -> PurificationPasses {
    try separatePasses(of: images, key: key, smoothing: smoothing)
  }

  /// The same, for a purifier that puts images together where it can.
  func separatePasses(
    of images: [DrawnImage], key: ImageKey, smoothing: Double?
  ) throws -> PurificationPasses {
    let purified = try images.map { try purify($0.image, key: key, stream: $0.stream) }
    return PurificationPasses(images: purified.map(\.image)) { cotangents in
      try images.indices.map {
        try pullback(
          of: cotangents[$0], at: images[$0].image, through: purified[$0], key: key,
          stream: images[$0].stream, smoothing: smoothing)
      }
    }
  }
}
