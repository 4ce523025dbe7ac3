import Layers
import TensorCore

/// A planar `[C, H, W]` map in Double, and the operations of the engine in their plainest form.
struct Plane: Equatable {
  var channels: Int
  var height: Int
  var width: Int
  var values: [Double]

  init(_ channels: Int, _ height: Int, _ width: Int, _ values: [Double]? = nil) {
    self.channels = channels
    self.height = height
    self.width = width
    self.values = values ?? [Double](repeating: 0, count: channels * height * width)
  }

  subscript(c: Int, y: Int, x: Int) -> Double {
    get {
      guard (0..<height).contains(y), (0..<width).contains(x) else { return 0 }
      return values[(c * height + y) * width + x]
    }
    set { values[(c * height + y) * width + x] = newValue }
  }

  /// Reproducible values in (−1, 1).
  static func random(_ channels: Int, _ height: Int, _ width: Int, seed: UInt64) -> Plane {
    Plane(channels, height, width, randoms(channels * height * width, seed: seed))
  }

  /// The map as the engine sees it.
  func feature(border: Int = 0, stride: Int? = nil, in arena: Arena) -> FeatureMap {
    let map = FeatureMap(
      height: height, width: width, channels: channels, border: border, stride: stride, in: arena)
    map.load(planar: values.map(Float.init).span)
    return map
  }

  init(_ map: FeatureMap) {
    self.init(map.channels, map.height, map.width)
    for c in 0..<channels {
      for y in 0..<height {
        for x in 0..<width { self[c, y, x] = Double(map.value(c, y, x)) }
      }
    }
  }

  /// Elementwise.
  func map(_ transform: (Double) -> Double) -> Plane {
    Plane(channels, height, width, values.map(transform))
  }

  static func + (a: Plane, b: Plane) -> Plane {
    Plane(a.channels, a.height, a.width, zip(a.values, b.values).map(+))
  }

  func dot(_ other: Plane) -> Double { zip(values, other.values).reduce(0) { $0 + $1.0 * $1.1 } }

  /// ‖self − reference‖₂/‖reference‖₂.
  func error(to reference: Plane) -> Double {
    relativeError(values, reference.values)
  }
}

func randoms(_ count: Int, seed: UInt64) -> [Double] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    // Rounded to Float, so that both sides see the same numbers.
    return Double(Float(Double(state >> 11) / Double(1 << 53) * 2 - 1))
  }
}

func relativeError(_ values: [Double], _ reference: [Double]) -> Double {
  precondition(values.count == reference.count)
  let error = zip(values, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  let norm = reference.reduce(0) { $0 + $1 * $1 }
  return (error / max(norm, 1e-300)).squareRoot()
}

enum Naive {
  static func convolution(
    _ x: Plane, weight: [Double], bias: [Double], outputs: Int, kernel: Int
  ) -> Plane {
    var y = Plane(outputs, x.height, x.width)
    let pad = kernel / 2
    for o in 0..<outputs {
      for row in 0..<x.height {
        for column in 0..<x.width {
          var sum = bias[o]
          for i in 0..<x.channels {
            for a in 0..<kernel {
              for b in 0..<kernel {
                sum +=
                  weight[((o * x.channels + i) * kernel + a) * kernel + b]
                  * x[i, row + a - pad, column + b - pad]
              }
            }
          }
          y[o, row, column] = sum
        }
      }
    }
    return y
  }

  static func sigmoid(_ z: Double) -> Double { 1 / (1 + exponential(-z)) }

  static func groupNorm(_ x: Plane, weight: [Double], bias: [Double], activates: Bool) -> Plane {
    let groups = max(1, min(32, x.channels / 4))
    let perGroup = x.channels / groups
    let pixels = x.height * x.width
    var y = x
    for g in 0..<groups {
      let range = g * perGroup * pixels..<(g + 1) * perGroup * pixels
      let mean = x.values[range].reduce(0, +) / Double(range.count)
      let variance =
        x.values[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(range.count)
      for i in range {
        let c = i / pixels
        let z = weight[c] * (x.values[i] - mean) / (variance + 1e-6).squareRoot() + bias[c]
        y.values[i] = activates ? z * sigmoid(z) : z
      }
    }
    return y
  }

  static func resample(_ x: Plane, toHeight height: Int, width: Int) -> Plane {
    var y = Plane(x.channels, height, width)
    for c in 0..<x.channels {
      for row in 0..<height {
        for column in 0..<width {
          if height > x.height {
            y[c, row, column] = x[c, row / 2, column / 2]
          } else if height < x.height {
            y[c, row, column] =
              (x[c, 2 * row, 2 * column] + x[c, 2 * row + 1, 2 * column]
                + x[c, 2 * row, 2 * column + 1] + x[c, 2 * row + 1, 2 * column + 1]) / 4
          } else {
            y[c, row, column] = x[c, row, column]
          }
        }
      }
    }
    return y
  }

  /// `qkv` holds q, k and v as consecutive blocks of channels.
  static func attention(_ qkv: Plane) -> Plane {
    let channels = qkv.channels / 3
    let n = qkv.height * qkv.width
    func value(_ block: Int, _ c: Int, _ position: Int) -> Double {
      qkv.values[(block * channels + c) * n + position]
    }
    var out = Plane(channels, qkv.height, qkv.width)
    for q in 0..<n {
      var logits = (0..<n).map { k in
        (0..<channels).reduce(0.0) { $0 + value(0, $1, q) * value(1, $1, k) }
          / Double(channels).squareRoot()
      }
      let top = logits.max() ?? 0
      logits = logits.map { exponential($0 - top) }
      let sum = logits.reduce(0, +)
      for c in 0..<channels {
        out.values[c * n + q] = (0..<n).reduce(0.0) { $0 + logits[$1] / sum * value(2, c, $1) }
      }
    }
    return out
  }

  /// Central difference of a scalar function along every coordinate.
  static func gradient(at x: [Double], step: Double = 1e-5, _ f: ([Double]) -> Double) -> [Double] {
    var x = x
    return x.indices.map { i in
      let centre = x[i]
      x[i] = centre + step
      let up = f(x)
      x[i] = centre - step
      let down = f(x)
      x[i] = centre
      return (up - down) / (2 * step)
    }
  }
}
