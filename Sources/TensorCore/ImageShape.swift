/// Size of one image, planar: `[channels, height, width]`.
public struct ImageShape: Hashable, Sendable, CustomStringConvertible {
  /// Colour channels C.
  public var channels: Int
  /// Rows H.
  public var height: Int
  /// Columns W.
  public var width: Int

  /// The shape `[channels, height, width]`.
  public init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// Number of values, C·H·W.
  public var count: Int { channels * height * width }

  /// As `28×28×1`: height, width, channels.
  public var description: String { "\(height)×\(width)×\(channels)" }
}
