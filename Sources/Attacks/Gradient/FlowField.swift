import TensorCore

/// From where each pixel of a moved image is taken, as a displacement in grid units (−1 to 1 across
/// the image).
package struct FlowField {
  /// Displacements down, then right: `[2, H, W]`.
  package var values: [Double]
  private let shape: ImageShape

  /// The field that moves nothing.
  package init(of shape: ImageShape) {
    self.shape = shape
    values = Array(repeating: 0, count: 2 * shape.height * shape.width)
  }

  private var area: Int { shape.height * shape.width }

  /// Every displacement within ±`bound`.
  package mutating func clip(to bound: Double) {
    for i in values.indices { values[i] = min(max(values[i], -bound), bound) }
  }

  /// The moved image, bilinear; beyond its border the border's pixels go on.
  package func apply(to image: [Float]) -> [Float] {
    var moved = image
    for pixel in 0..<area {
      let cell = cell(pixel)
      for c in 0..<shape.channels {
        let corners = cell.corners.map { Double(image[c * area + $0]) }
        let (top, bottom) = (
          corners[0] + (corners[1] - corners[0]) * cell.right,
          corners[2] + (corners[3] - corners[2]) * cell.right
        )
        moved[c * area + pixel] = Float(min(max(top + (bottom - top) * cell.down, 0), 1))
      }
    }
    return moved
  }

  /// ∂(Σ gradient·moved image)/∂values.
  package func pullback(of gradient: [Float], at image: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: values.count)
    for pixel in 0..<area {
      let cell = cell(pixel)
      for c in 0..<shape.channels {
        let g = Double(gradient[c * area + pixel])
        let p = cell.corners.map { Double(image[c * area + $0]) }
        let down = (p[2] - p[0]) * (1 - cell.right) + (p[3] - p[1]) * cell.right
        let right = (p[1] - p[0]) * (1 - cell.down) + (p[3] - p[2]) * cell.down
        result[pixel] += g * down * Double(shape.height) / 2
        result[area + pixel] += g * right * Double(shape.width) / 2
      }
    }
    return result
  }

  /// ∂/∂values of Σ over pixels and their four neighbours of √(‖difference‖² + 1e-10).
  package var roughnessGradient: [Double] {
    var result = [Double](repeating: 0, count: values.count)
    func pair(_ a: Int, _ b: Int) {
      let (dy, dx) = (values[a] - values[b], values[area + a] - values[area + b])
      // Each is the other's neighbour.
      let factor = 2 / (dy * dy + dx * dx + 1e-10).squareRoot()
      result[a] += factor * dy
      result[b] -= factor * dy
      result[area + a] += factor * dx
      result[area + b] -= factor * dx
    }
    for y in 0..<shape.height {
      for x in 0..<shape.width {
        let pixel = y * shape.width + x
        if x + 1 < shape.width { pair(pixel, pixel + 1) }
        if y + 1 < shape.height { pair(pixel, pixel + shape.width) }
      }
    }
    return result
  }

  /// The four pixels around where one is taken from, and how far on from the first.
  private func cell(_ pixel: Int) -> (corners: [Int], down: Double, right: Double) {
    let y = Double(pixel / shape.width) + values[pixel] * Double(shape.height) / 2
    let x = Double(pixel % shape.width) + values[area + pixel] * Double(shape.width) / 2
    return Bilinear.cell(atRow: y, column: x, in: shape)
  }
}
