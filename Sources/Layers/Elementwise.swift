import Foundation
import TensorCore

/// y ← scale·x, register by register; borders may differ.
public func scale(_ x: FeatureMap, by scale: Float, into y: FeatureMap) {
  let factor = Lanes(repeating: scale)
  let sampling = Resampling(from: x, to: y)
  for c in stride(from: 0, to: x.stride, by: Lanes.scalarCount) {
    sampling.map(channel: c, Scaling(factor: factor))
  }
}

/// Writes the channels of `first`, then those of `second`, into `joined`; equal sizes.
public func concatenate(_ first: FeatureMap, _ second: FeatureMap, into joined: FeatureMap) {
  for y in 0..<joined.height {
    for x in 0..<joined.width {
      let target = joined.row(y) + x * joined.stride
      target.update(from: first.row(y) + x * first.stride, count: first.channels)
      (target + first.channels).update(
        from: second.row(y) + x * second.stride, count: second.channels)
      let used = first.channels + second.channels
      (target + used).update(repeating: 0, count: joined.stride - used)
    }
  }
}

/// The adjoint of `concatenate`: writes `dFirst`, adds to `dSecond`.
public func concatenateBackward(
  _ joined: FeatureMap, into dFirst: FeatureMap, adding dSecond: FeatureMap
) {
  for y in 0..<joined.height {
    for x in 0..<joined.width {
      let source = joined.row(y) + x * joined.stride
      let target = dFirst.row(y) + x * dFirst.stride
      target.update(from: source, count: dFirst.channels)
      (target + dFirst.channels).update(
        repeating: 0, count: dFirst.stride - dFirst.channels)
      let added = dSecond.row(y) + x * dSecond.stride
      for c in 0..<dSecond.channels { added[c] += source[dFirst.channels + c] }
    }
  }
}

/// y ← y + x, equal sizes.
public func add(_ x: FeatureMap, to y: FeatureMap) {
  for row in 0..<x.height {
    let (source, target) = (x.row(row), y.row(row))
    for i in stride(from: 0, to: x.width * x.stride, by: Lanes.scalarCount) {
      (Lanes(at: target + i) + Lanes(at: source + i)).store(to: target + i)
    }
  }
}

/// y = x + shift at every pixel, equal sizes.
///
/// - Parameter shift: one a channel, `[x.stride]`.
public func addToChannels(
  _ shift: UnsafePointer<Float>, of x: FeatureMap, into y: FeatureMap
) {
  for row in 0..<x.height {
    let (source, target) = (x.row(row), y.row(row))
    for i in 0..<x.width {
      for c in stride(from: i * x.stride, to: (i + 1) * x.stride, by: Lanes.scalarCount) {
        (Lanes(at: source + c) + Lanes(at: shift + c - i * x.stride)).store(to: target + c)
      }
    }
  }
}

/// y = x·sigmoid(x) on vectors.
public func silu(
  _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int
) {
  for i in 0..<count { y[i] = x[i] / (1 + exp(-x[i])) }
}

/// dx = SiLU′(x)·dy on vectors; `dx` may be `dy`.
public func siluBackward(
  _ dy: UnsafePointer<Float>, at x: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>,
  count: Int
) {
  for i in 0..<count {
    let s = 1 / (1 + exp(-x[i]))
    dx[i] = dy[i] * s * (1 + x[i] * (1 - s))
  }
}
