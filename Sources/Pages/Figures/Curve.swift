/// A signal as a small picture: its curve, dark on white, time from left to right, 1 at the top.
enum Curve {
  /// Pixels of a side, and of the pen: what remains of it in a third of the size is a line yet.
  private static let (side, pen) = (84, 3)

  /// The picture.
  ///
  /// - Parameters:
  ///   - values: planar `[C, 1, L]`, 0…1; what lies beyond is cut.
  ///   - channels: C; each has its own curve.
  static func png(_ values: [Float], channels: Int) -> [UInt8] {
    let length = values.count / max(channels, 1)
    var pixels = [Float](repeating: 1, count: side * side)
    for channel in 0..<channels {
      let rows = (0..<side).map { column in
        row(values[channel * length..<(channel + 1) * length], at: column)
      }
      for column in 0..<side {
        let next = rows[min(column + 1, side - 1)]
        for row in min(rows[column], next)..<max(rows[column], next) + pen {
          for x in column..<min(column + pen, side) { pixels[row * side + x] = 0.15 }
        }
      }
    }
    return PNG.encoded(pixels, channels: 1, width: side, height: side)
  }

  /// The topmost pixel of the pen in a column.
  private static func row(_ values: ArraySlice<Float>, at column: Int) -> Int {
    let place = Float(column) / Float(side - 1) * Float(values.count - 1)
    let (left, share) = (Int(place), place - Float(Int(place)))
    let (first, last) = (values.startIndex, values.endIndex - 1)
    let value =
      values[min(first + left, last)] * (1 - share) + values[min(first + left + 1, last)] * share
    let height = value.isFinite ? min(max(value, 0), 1) : 0
    return Int((1 - height) * Float(side - pen))
  }
}
