import Foundation

/// What baseline JPEG compression leaves of an image.
///
/// One channel is compressed as grey; three go through YCbCr with colours at half size, the
/// encoder's usual choice. Coefficients are computed in Double, so a pixel may differ by a grey value
/// or two from an integer codec's.
///
/// **Source** ITU-T T.81, annexes A and K; the scaling of tables by quality is that of the
/// Independent JPEG Group.
struct JPEGRoundTrip {
  private let luminance: [Double]
  private let chrominance: [Double]

  /// - Parameter quality: 1…100.
  init(quality: Int) {
    let scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
    func scaled(_ table: [Int]) -> [Double] {
      table.map { Double(min(max(($0 * scale + 50) / 100, 1), 255)) }
    }
    luminance = scaled(Self.luminanceTable)
    chrominance = scaled(Self.chrominanceTable)
  }

  func apply(to planes: Planes) -> Planes {
    var result = planes
    let greys = planes.values.map { $0.map { ($0 * 255).rounded() } }
    guard greys.count == 3 else {
      result.values = greys.map {
        Self.pixels(compressed($0, planes.height, planes.width, luminance))
      }
      return result
    }
    let (red, green, blue) = (greys[0], greys[1], greys[2])
    let brightness = red.indices.map { 0.299 * red[$0] + 0.587 * green[$0] + 0.114 * blue[$0] }
    let colours = [(blue, 1.772), (red, 1.402)].map { channel, factor in
      halved(
        channel.indices.map { 128 + (channel[$0] - brightness[$0]) / factor }, planes.height,
        planes.width)
    }
    let y = compressed(brightness.map { $0.rounded() }, planes.height, planes.width, luminance)
    let (cb, cr) = (colours[0], colours[1])
    result.values[0] = Self.pixels(y.indices.map { y[$0] + 1.402 * (cr[$0] - 128) })
    result.values[1] = Self.pixels(
      y.indices.map { y[$0] - 0.344_136 * (cb[$0] - 128) - 0.714_136 * (cr[$0] - 128) })
    result.values[2] = Self.pixels(y.indices.map { y[$0] + 1.772 * (cb[$0] - 128) })
    return result
  }

  private static func pixels(_ greys: [Double]) -> [Double] {
    greys.map { min(max($0.rounded(), 0), 255) / 255 }
  }

  /// A colour plane compressed at half size and doubled again.
  private func halved(_ plane: [Double], _ height: Int, _ width: Int) -> [Double] {
    let (rows, columns) = ((height + 1) / 2, (width + 1) / 2)
    let small = (0..<rows * columns).map { i -> Double in
      let (y, x) = (2 * (i / columns), 2 * (i % columns))
      let (below, right) = (min(y + 1, height - 1), min(x + 1, width - 1))
      let above = plane[y * width + x] + plane[y * width + right]
      let under = plane[below * width + x] + plane[below * width + right]
      return ((above + under) / 4).rounded()
    }
    let back = compressed(small, rows, columns, chrominance)
    return (0..<height * width).map { back[$0 / width / 2 * columns + $0 % width / 2] }
  }

  /// Blocks of 8 × 8, the last ones filled up with the border's pixels.
  private func compressed(
    _ plane: [Double], _ height: Int, _ width: Int, _ table: [Double]
  ) -> [Double] {
    var result = plane
    for top in stride(from: 0, to: height, by: 8) {
      for left in stride(from: 0, to: width, by: 8) {
        let block = (0..<64).map { i -> Double in
          let (y, x) = (min(top + i / 8, height - 1), min(left + i % 8, width - 1))
          return plane[y * width + x] - 128
        }
        let kept = zip(Self.cosines(block, inverse: false), table).map { ($0 / $1).rounded() * $1 }
        let back = Self.cosines(kept, inverse: true)
        for i in 0..<64 where top + i / 8 < height && left + i % 8 < width {
          result[(top + i / 8) * width + left + i % 8] = min(max(back[i].rounded() + 128, 0), 255)
        }
      }
    }
    return result
  }

  /// `[frequency][place]` of the orthonormal cosine transform of 8 values.
  private static let basis: [[Double]] = (0..<8).map { u in
    let length = u == 0 ? 0.125.squareRoot() : 0.5
    return (0..<8).map { x in length * cos(Double((2 * x + 1) * u) * Double.pi / 16) }
  }

  private static func cosines(_ block: [Double], inverse: Bool) -> [Double] {
    func factor(_ a: Int, _ b: Int) -> Double { inverse ? basis[b][a] : basis[a][b] }
    var rows = [Double](repeating: 0, count: 64)
    var result = rows
    for i in 0..<64 {
      for k in 0..<8 { rows[i] += factor(i % 8, k) * block[i / 8 * 8 + k] }
    }
    for i in 0..<64 {
      for k in 0..<8 { result[i] += factor(i / 8, k) * rows[k * 8 + i % 8] }
    }
    return result
  }

  private static let luminanceTable = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
  ]
  private static let chrominanceTable = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  ]
}
