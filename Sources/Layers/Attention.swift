import Foundation
import TensorCore

/// Single-head self-attention over all positions of a map, without its projections.
///
///     S = softmax(q kᵀ/√C)   out = S v
///
/// **Shape** q, k, v are consecutive blocks of C channels in one map `[N, H, W, 3C]`; each image
/// attends to itself.
public enum Attention {
  /// What the backward pass needs besides qkv.
  public struct Cache {
    /// S, `[N, positions, positions]`.
    let weights: UnsafeMutablePointer<Float>
  }

  /// - Parameters:
  ///   - qkv: `[N, H, W, 3C]`, no border.
  ///   - out: receives `[N, H, W, C]`, no border.
  public static func forward(_ qkv: FeatureMap, into out: FeatureMap, in arena: Arena) -> Cache {
    let (n, c, ld) = (qkv.pixels, out.channels, qkv.stride)
    let cache = Cache(weights: arena.take(qkv.images * n * n))
    out.clear()
    for image in 0..<qkv.images {
      let (q, weights) = (qkv[image].row(0), cache.weights + image * n * n)
      BLAS.product(
        m: n, n: n, k: c, alpha: 1 / Float(c).squareRoot(), .matrix(q, stride: ld),
        .transpose(q + c, stride: ld), into: weights, stride: n)
      for row in 0..<n { kernels.softmax(weights + row * n, n) }
      BLAS.product(
        m: n, n: c, k: n, .matrix(weights, stride: n), .matrix(q + 2 * c, stride: ld),
        into: out[image].row(0), stride: out.stride)
    }
    return cache
  }

  /// - Parameters:
  ///   - dout: `[N, H, W, C]`, no border.
  ///   - dqkv: receives `[N, H, W, 3C]`, no border.
  public static func backward(
    _ dout: FeatureMap, qkv: FeatureMap, cache: Cache, into dqkv: FeatureMap, in arena: Arena
  ) {
    let (n, c, ld) = (qkv.pixels, dout.channels, qkv.stride)
    let scale = 1 / Float(c).squareRoot()
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let ds = arena.take(n * n)
    dqkv.clear()
    for image in 0..<qkv.images {
      let (q, dq, d) = (qkv[image].row(0), dqkv[image].row(0), dout[image].row(0))
      let weights = cache.weights + image * n * n
      BLAS.product(
        m: n, n: c, k: n, .transpose(weights, stride: n), .matrix(d, stride: dout.stride),
        into: dq + 2 * c, stride: ld)
      BLAS.product(
        m: n, n: n, k: c, .matrix(d, stride: dout.stride), .transpose(q + 2 * c, stride: ld),
        into: ds, stride: n)
      for row in 0..<n { softmaxBackward(weights + row * n, ds + row * n, count: n) }
      BLAS.product(
        m: n, n: c, k: n, alpha: scale, .matrix(ds, stride: n), .matrix(q + c, stride: ld),
        into: dq, stride: ld)
      BLAS.product(
        m: n, n: c, k: n, alpha: scale, .transpose(ds, stride: n), .matrix(q, stride: ld),
        into: dq + c, stride: ld)
    }
  }

  /// Replaces the gradient of one row of S by that of its logits.
  private static func softmaxBackward(
    _ s: UnsafePointer<Float>, _ g: UnsafeMutablePointer<Float>, count: Int
  ) {
    var dot: Float = 0
    for i in 0..<count { dot += s[i] * g[i] }
    for i in 0..<count { g[i] = s[i] * (g[i] - dot) }
  }
}
