/// A view of one image's activations, channels last: `[height, width, channels]`.
///
/// A border of `border` zero pixels surrounds the map where a 3×3 convolution reads it. Each pixel
/// takes `stride ≥ channels` floats; the padding is zero, so that kernels work on whole registers.
/// The memory belongs to an `Arena`.
public struct FeatureMap {
  /// First float of the first border pixel.
  public let base: UnsafeMutablePointer<Float>
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
    height: Int, width: Int, channels: Int, border: Int = 0, stride: Int? = nil, in arena: Arena
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.border = border
    self.stride = stride ?? aligned(channels)
    base = arena.take((height + 2 * border) * (width + 2 * border) * self.stride)
    clearBorder()
  }

  /// Floats from one row to the next.
  @inlinable public var rowStride: Int { (width + 2 * border) * stride }
  /// Number of pixels, border excluded.
  @inlinable public var pixels: Int { height * width }

  /// First channel of pixel (y, 0).
  @inlinable
  public func row(_ y: Int) -> UnsafeMutablePointer<Float> {
    base + (y + border) * rowStride + border * stride
  }

  /// Sets every float of the inside to zero.
  public func clear() {
    for y in 0..<height { row(y).update(repeating: 0, count: width * stride) }
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

  /// Copies a planar `[C, H, W]` image in.
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

  /// The value of channel `c` at pixel (y, x).
  @inlinable
  public func value(_ c: Int, _ y: Int, _ x: Int) -> Float { row(y)[x * stride + c] }
}
