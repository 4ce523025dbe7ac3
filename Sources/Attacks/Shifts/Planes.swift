import Foundation
import TensorCore

/// An image in Double, a plane a channel, with what corruptions do to it.
struct Planes {
  /// `[C][H·W]`, pixel units.
  var values: [[Double]]
  let height: Int
  let width: Int

  init(_ image: [Float], _ shape: ImageShape) {
    (height, width) = (shape.height, shape.width)
    let area = height * width
    values = (0..<shape.channels).map { c in
      image[c * area..<(c + 1) * area].map(Double.init)
    }
  }

  /// Planar, whole grey values, rounded down as images are stored.
  var image: [Float] {
    // A hair up: what is a grey value but for rounding stays it.
    values.flatMap { $0.map { Float((min(max($0, 0), 1) * 255 + 1e-4).rounded(.down)) / 255 } }
  }

  private func mapped(_ change: ([Double]) -> [Double]) -> Planes {
    var copy = self
    copy.values = values.map(change)
    return copy
  }

  func noisy(deviation: Double, _ random: inout RandomStream) -> Planes {
    var noise = [Float](repeating: 0, count: values.count * height * width)
    var span = noise.mutableSpan
    random.gaussians(into: &span)
    var copy = self
    for c in values.indices {
      for i in values[c].indices {
        copy.values[c][i] += deviation * Double(noise[c * height * width + i])
      }
    }
    return copy
  }

  /// Out to four deviations; the border's pixels go on beyond it.
  func blurred(deviation: Double) -> Planes {
    let radius = Int(4 * deviation + 0.5)
    let bell = (-radius...radius).map {
      exp(-Double($0 * $0) / (2 * deviation * deviation))
    }
    let total = bell.reduce(0, +)
    func smooth(_ plane: [Double], down: Int, right: Int) -> [Double] {
      plane.indices.map { i in
        let (y, x) = (i / width, i % width)
        return (-radius...radius).reduce(0) { sum, offset in
          let row = min(max(y + offset * down, 0), height - 1)
          let column = min(max(x + offset * right, 0), width - 1)
          return sum + bell[offset + radius] / total * plane[row * width + column]
        }
      }
    }
    return mapped { smooth(smooth($0, down: 1, right: 0), down: 0, right: 1) }
  }

  /// Towards each channel's mean.
  func contrasted(by factor: Double) -> Planes {
    mapped { plane in
      let mean = plane.reduce(0, +) / Double(plane.count)
      return plane.map { ($0 - mean) * factor + mean }
    }
  }

  /// More of the largest channel, hue and saturation as they were.
  func brightened(by offset: Double) -> Planes {
    var copy = self
    for i in values[0].indices {
      let value = values.reduce(0) { max($0, $1[i]) }
      let brighter = min(value + offset, 1)
      for c in values.indices {
        copy.values[c][i] = value > 0 ? values[c][i] * brighter / value : brighter
      }
    }
    return copy
  }

  /// Fewer pixels, each the mean of those whose centres it covers, and back by the nearest.
  func pixelated(to factor: Double) -> Planes {
    let rows = max(Int(Double(height) * factor), 1)
    let columns = max(Int(Double(width) * factor), 1)
    func covered(_ i: Int, _ count: Int, _ total: Int) -> Range<Int> {
      let scale = Double(total) / Double(count)
      let first = Int((Double(i) * scale + 0.5).rounded(.down))
      return first..<min(Int((Double(i + 1) * scale + 0.5).rounded(.down)), total)
    }
    return mapped { plane in
      // Whole grey values after each pass.
      let greys = plane.map { ($0 * 255).rounded() }
      let narrow = (0..<height).flatMap { y in
        (0..<columns).map { i -> Double in
          let range = covered(i, columns, width)
          return (range.reduce(0) { $0 + greys[y * width + $1] } / Double(range.count)).rounded()
        }
      }
      let small = (0..<rows).flatMap { i in
        (0..<columns).map { x -> Double in
          let range = covered(i, rows, height)
          return (range.reduce(0) { $0 + narrow[$1 * columns + x] } / Double(range.count)).rounded()
        }
      }
      func nearest(_ i: Int, _ count: Int, _ total: Int) -> Int {
        min(Int((Double(i) + 0.5) * Double(count) / Double(total)), count - 1)
      }
      return (0..<height * width).map { i in
        small[nearest(i / width, rows, height) * columns + nearest(i % width, columns, width)] / 255
      }
    }
  }

  /// A grey square of this share of the image's side, anywhere inside.
  func occluded(share: Double, _ random: inout RandomStream) -> Planes {
    let side = max(Int((share * Double(min(height, width))).rounded()), 1)
    let top = Int(random.uniform() * Double(height - side + 1))
    let left = Int(random.uniform() * Double(width - side + 1))
    return mapped { plane in
      plane.indices.map { i in
        (top..<top + side).contains(i / width) && (left..<left + side).contains(i % width)
          ? 0.5 : plane[i]
      }
    }
  }
}
