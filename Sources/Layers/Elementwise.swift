import CKernels
import Foundation
import TensorCore

/// y ← scale·x, resampled where the sizes differ; borders may differ.
public func scale(_ x: FeatureMap, by scale: Float, into y: FeatureMap) {
  let (from, to) = x.resampled(to: y)
  kernels.scale(from, to, scale)
}

/// Writes the channels of `first`, then those of `second`, into `joined`; equal sizes.
public func concatenate(_ first: FeatureMap, _ second: FeatureMap, into joined: FeatureMap) {
  let used = first.channels + second.channels
  kernels.copy(first.view, joined.view, first.channels, 0)
  kernels.copy(
    second.view, joined.view(from: first.channels), second.channels, joined.stride - used)
}

/// The adjoint of `concatenate`: writes `dFirst`, adds to `dSecond`.
public func concatenateBackward(
  _ joined: FeatureMap, into dFirst: FeatureMap, adding dSecond: FeatureMap
) {
  let split = dFirst.channels
  kernels.copy(joined.view, dFirst.view, split, dFirst.stride - split)
  kernels.add(joined.view(from: split), dSecond.view, dSecond.channels)
}

/// y ← y + x, equal sizes.
public func add(_ x: FeatureMap, to y: FeatureMap) {
  kernels.add(x.view, y.view, y.stride)
}

/// y = x + shift at every pixel of each image, equal sizes.
///
/// - Parameter shifts: one a channel, `[N, x.stride]`.
public func addToChannels(
  _ shifts: UnsafePointer<Float>, of x: FeatureMap, into y: FeatureMap
) {
  for image in 0..<x.images {
    kernels.add_to_channels(x[image].view, shifts + image * x.stride, y[image].view)
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
