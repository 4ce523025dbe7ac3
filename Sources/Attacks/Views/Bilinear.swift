import TensorCore

/// Bilinear sampling.
enum Bilinear {
  /// The four pixels around a place, row by row, and how far on it is from the first. Beyond the
  /// border the border's pixels go on.
  static func cell(
    atRow y: Double, column x: Double, in shape: ImageShape
  ) -> (corners: [Int], down: Double, right: Double) {
    let (top, left) = (y.rounded(.down), x.rounded(.down))
    func row(_ y: Double) -> Int { Int(min(max(y, 0), Double(shape.height - 1))) }
    func column(_ x: Double) -> Int { Int(min(max(x, 0), Double(shape.width - 1))) }
    let corners = [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)].map {
      row($0.0) * shape.width + column($0.1)
    }
    return (corners, y - top, x - left)
  }
}
