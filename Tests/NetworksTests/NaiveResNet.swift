import Foundation
import Networks

/// The classifier by its definition: Double, one loop a sum.
struct NaiveResNet {
  private typealias Map = (side: Int, channels: [[Double]])

  private let architecture: ResNetArchitecture
  private let values: [String: [Double]]

  init(_ architecture: ResNetArchitecture, _ parameter: (String, [Int]) -> [Float]) {
    self.architecture = architecture
    values = Dictionary(
      uniqueKeysWithValues: architecture.parameterShapes.map {
        ($0.name, parameter($0.name, $0.shape).map(Double.init))
      })
  }

  func logits(_ image: [Float]) -> [Double] {
    let side = architecture.resolution
    var x: Map = (
      side,
      (0..<architecture.channels).map { c in
        image[c * side * side..<(c + 1) * side * side].map { 2 * Double($0) - 1 }
      }
    )
    x = convolution("model.conv", x, kernel: 3)
    for level in architecture.multipliers.indices {
      for block in 0..<architecture.blocks {
        let name = "model.\(side >> (level + 1))x\(side >> (level + 1))_"
        x = self.block(name + (block == 0 ? "down" : "block\(block)"), x, halves: block == 0)
      }
    }
    let means = activated("model.norm", x).channels.map { $0.reduce(0, +) / Double($0.count) }
    let (weight, bias) = layer("model.linear")
    return bias.indices.map { k in
      means.indices.reduce(bias[k]) { $0 + weight[k * means.count + $1] * means[$1] }
    }
  }

  private func layer(_ name: String) -> (weight: [Double], bias: [Double]) {
    (values[name + ".weight"] ?? [], values[name + ".bias"] ?? [])
  }

  /// (conv1(SiLU(norm1(conv0(halved SiLU(norm0(x)))))) + skip(halved x))·√½.
  private func block(_ name: String, _ x: Map, halves: Bool) -> Map {
    let first = activated("\(name).norm0", x)
    let h = convolution("\(name).conv0", halves ? halved(first) : first, kernel: 3)
    let z = convolution("\(name).conv1", activated("\(name).norm1", h), kernel: 3)
    let low = halves ? halved(x) : x
    let skip =
      values["\(name).skip.weight"] == nil ? low : convolution("\(name).skip", low, kernel: 1)
    return (
      z.side,
      zip(z.channels, skip.channels).map { zip($0, $1).map { ($0 + $1) * 0.5.squareRoot() } }
    )
  }

  private func convolution(_ name: String, _ x: Map, kernel: Int) -> Map {
    let (weight, bias) = layer(name)
    let (inputs, side, reach) = (x.channels.count, x.side, kernel / 2)
    let channels = bias.indices.map { o in
      (0..<side * side).map { pixel in
        var sum = bias[o]
        for i in 0..<inputs {
          for dy in 0..<kernel {
            for dx in 0..<kernel {
              let (row, column) = (pixel / side + dy - reach, pixel % side + dx - reach)
              guard (0..<side).contains(row), (0..<side).contains(column) else { continue }
              sum +=
                weight[((o * inputs + i) * kernel + dy) * kernel + dx]
                * x.channels[i][row * side + column]
            }
          }
        }
        return sum
      }
    }
    return (side, channels)
  }

  /// Group norm of groups of at least 4 channels, at most 32 of them, then SiLU.
  private func activated(_ name: String, _ x: Map) -> Map {
    let (weight, bias) = layer(name)
    let size = x.channels.count / max(1, min(32, x.channels.count / 4))
    let channels = x.channels.indices.map { c in
      let group = x.channels[c / size * size..<(c / size + 1) * size].flatMap(\.self)
      let mean = group.reduce(0, +) / Double(group.count)
      let variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(group.count)
      return x.channels[c].map { value in
        let z = weight[c] * (value - mean) / (variance + 1e-6).squareRoot() + bias[c]
        return z / (1 + exp(-z))
      }
    }
    return (x.side, channels)
  }

  private func halved(_ x: Map) -> Map {
    let side = x.side / 2
    return (
      side,
      x.channels.map { values in
        (0..<side * side).map { pixel in
          let corner = 2 * (pixel / side) * x.side + 2 * (pixel % side)
          return
            (values[corner] + values[corner + 1] + values[corner + x.side]
            + values[corner + x.side + 1]) / 4
        }
      }
    )
  }
}
