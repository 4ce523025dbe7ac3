import Foundation
import TensorCore

/// y ← scale·x, register by register; borders may differ.
public func scale(_ x: FeatureMap, by scale: Float, into y: FeatureMap) {
  Resampling(from: x, to: y).map(Scaling(factor: Lanes(repeating: scale)))
}

/// Writes the channels of `first`, then those of `second`, into `joined`; equal sizes.
public func concatenate(_ first: FeatureMap, _ second: FeatureMap, into joined: FeatureMap) {
  let (split, used) = (first.channels, first.channels + second.channels)
  joined.forEachRow { image, y, target in
    let (left, right) = (first[image].row(y), second[image].row(y))
    for x in 0..<joined.width {
      let target = target + x * joined.stride
      copy(left + x * first.stride, to: target, count: split)
      copy(right + x * second.stride, to: target + split, count: second.channels)
      (target + used).update(repeating: 0, count: joined.stride - used)
    }
  }
}

/// Copies whole registers, then what is left: rows of channels are too short for `memcpy`.
@inline(__always)
private func copy(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  let whole = count & ~(Lanes.scalarCount - 1)
  for c in stride(from: 0, to: whole, by: Lanes.scalarCount) {
    Lanes(at: source + c).store(to: target + c)
  }
  for c in whole..<count { target[c] = source[c] }
}

/// The adjoint of `concatenate`: writes `dFirst`, adds to `dSecond`.
public func concatenateBackward(
  _ joined: FeatureMap, into dFirst: FeatureMap, adding dSecond: FeatureMap
) {
  let (split, lanes) = (dFirst.channels, Lanes.scalarCount)
  let whole = dSecond.channels & ~(lanes - 1)
  joined.forEachRow { image, y, source in
    let (left, right) = (dFirst[image].row(y), dSecond[image].row(y))
    for x in 0..<joined.width {
      let (source, target) = (source + x * joined.stride, left + x * dFirst.stride)
      copy(source, to: target, count: split)
      (target + split).update(repeating: 0, count: dFirst.stride - split)
      let (rest, added) = (source + split, right + x * dSecond.stride)
      for c in stride(from: 0, to: whole, by: lanes) {
        (Lanes(at: added + c) + Lanes(at: rest + c)).store(to: added + c)
      }
      for c in whole..<dSecond.channels { added[c] += rest[c] }
    }
  }
}

/// y ← y + x, equal sizes.
public func add(_ x: FeatureMap, to y: FeatureMap) {
  y.forEachRow { image, row, target in
    let source = x[image].row(row)
    for i in stride(from: 0, to: x.width * x.stride, by: Lanes.scalarCount) {
      (Lanes(at: target + i) + Lanes(at: source + i)).store(to: target + i)
    }
  }
}

/// y = x + shift at every pixel of each image, equal sizes.
///
/// - Parameter shifts: one a channel, `[N, x.stride]`.
public func addToChannels(
  _ shifts: UnsafePointer<Float>, of x: FeatureMap, into y: FeatureMap
) {
  y.forEachRow { image, row, target in
    let (source, shift) = (x[image].row(row), shifts + image * x.stride)
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
