/// A view of activations, channels last: `[images, height, width, channels]`.
///
/// A border of `border` zero pixels surrounds each image where a 3×3 convolution reads it. Each pixel
/// takes `stride ≥ channels` floats; the padding is zero, so that kernels work on whole registers.
/// The memory belongs to an `Arena`.
public struct FeatureMap {
  /// First float of the first image's first border pixel.
  public let base: UnsafeMutablePointer<Float>
  /// Images, one after the other.
  public let images: Int
  /// Rows, border excluded.
  public let height: Int
  /// Columns, border excluded.
  public let width: Int
  /// Channels C.
  public let channels: Int
  /// Floats from one pixel to the next.
  public let stride: Int
  /// Zero pixels on each side.
  public let border: Int

  /// A map in `arena`, contents undefined inside, zero in the border.
  ///
  /// - Parameter stride: floats a pixel; `aligned(channels)` unless only scalar code reads the map.
  public init(
    images: Int = 1, height: Int, width: Int, channels: Int, border: Int = 0, stride: Int? = nil,
    in arena: Arena
  ) {
    self.images = images
    self.height = height
    self.width = width
    self.channels = channels
    self.border = border
    self.stride = stride ?? aligned(channels)
    base = arena.take(images * (height + 2 * border) * (width + 2 * border) * self.stride)
    for image in 0..<images { self[image].clearBorder() }
  }

  /// A map of other channels for the images of `map`, of the same size, in `arena`.
  public init(like map: FeatureMap, channels: Int, border: Int = 0, in arena: Arena) {
    self.init(
      images: map.images, height: map.height, width: map.width, channels: channels, border: border,
      in: arena)
  }

  /// `images` copies of the first image, in `arena`.
  public func repeated(_ images: Int, in arena: Arena) -> FeatureMap {
    let map = FeatureMap(
      images: images, height: height, width: width, channels: channels, border: border,
      stride: stride, in: arena)
    for image in 0..<images { map[image].base.update(from: base, count: imageStride) }
    return map
  }

  /// Images `first ..< first + images` of `map`.
  @inlinable
  init(_ map: FeatureMap, first: Int, images: Int) {
    base = map.base + first * map.imageStride
    self.images = images
    (height, width, channels) = (map.height, map.width, map.channels)
    (stride, border) = (map.stride, map.border)
  }

  /// One image.
  @inlinable public subscript(image: Int) -> FeatureMap {
    FeatureMap(self, first: image, images: 1)
  }

  /// Some of the images.
  @inlinable public subscript(images: Range<Int>) -> FeatureMap {
    FeatureMap(self, first: images.lowerBound, images: images.count)
  }

  /// Floats from one row to the next.
  @inlinable public var rowStride: Int { (width + 2 * border) * stride }
  /// Floats from one image to the next.
  @inlinable public var imageStride: Int { (height + 2 * border) * rowStride }
  /// Number of pixels of an image, border excluded.
  @inlinable public var pixels: Int { height * width }

  /// First channel of pixel (y, 0) of the first image.
  @inlinable
  public func row(_ y: Int) -> UnsafeMutablePointer<Float> {
    base + (y + border) * rowStride + border * stride
  }

  /// Calls `body` with every row of every image and its first float.
  @inlinable @inline(__always)
  public func forEachRow(
    _ body: (_ image: Int, _ y: Int, _ row: UnsafeMutablePointer<Float>) -> Void
  ) {
    for image in 0..<images {
      let view = self[image]
      for y in 0..<height { body(image, y, view.row(y)) }
    }
  }

  /// Sets every float of the inside to zero.
  public func clear() {
    forEachRow { _, _, row in row.update(repeating: 0, count: width * stride) }
  }

  private func clearBorder() {
    guard border > 0 else { return }
    let edge = border * rowStride
    base.update(repeating: 0, count: edge)
    (base + (height + border) * rowStride).update(repeating: 0, count: edge)
    for y in 0..<height {
      let row = base + (y + border) * rowStride
      row.update(repeating: 0, count: border * stride)
      (row + (border + width) * stride).update(repeating: 0, count: border * stride)
    }
  }

  /// Copies a planar `[C, H, W]` image into the first.
  public func load(planar: Span<Float>, scale: Float = 1) {
    precondition(planar.count == channels * pixels, "\(planar.count) values for \(self)")
    for y in 0..<height {
      let row = row(y)
      for x in 0..<width {
        for c in 0..<stride {
          row[x * stride + c] =
            c < channels ? scale * planar[(c * height + y) * width + x] : 0
        }
      }
    }
  }

  /// The value of channel `c` at pixel (y, x) of the first image.
  @inlinable
  public func value(_ c: Int, _ y: Int, _ x: Int) -> Float { row(y)[x * stride + c] }
}
