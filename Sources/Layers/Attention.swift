import Foundation
import TensorCore

/// Single-head self-attention over all positions of a map, without its projections.
///
///     S = softmax(q kᵀ/√C)   out = S v
///
/// **Shape** q, k, v are consecutive blocks of C channels in one map `[H, W, 3C]`.
public enum Attention {
  /// What the backward pass needs besides qkv.
  public struct Cache {
    /// S, `[positions, positions]`.
    let weights: UnsafeMutablePointer<Float>
  }

  /// - Parameters:
  ///   - qkv: `[H, W, 3C]`, no border.
  ///   - out: receives `[H, W, C]`, no border.
  public static func forward(_ qkv: FeatureMap, into out: FeatureMap, in arena: Arena) -> Cache {
    let (n, c, ld) = (qkv.pixels, out.channels, qkv.stride)
    let q = qkv.row(0)
    let cache = Cache(weights: arena.take(n * n))
    BLAS.product(
      m: n, n: n, k: c, alpha: 1 / Float(c).squareRoot(), .matrix(q, stride: ld),
      .transpose(q + c, stride: ld), into: cache.weights, stride: n)
    for row in 0..<n { softmax(cache.weights + row * n, count: n) }
    out.clear()
    BLAS.product(
      m: n, n: c, k: n, .matrix(cache.weights, stride: n), .matrix(q + 2 * c, stride: ld),
      into: out.row(0), stride: out.stride)
    return cache
  }

  /// - Parameters:
  ///   - dout: `[H, W, C]`, no border.
  ///   - dqkv: receives `[H, W, 3C]`, no border.
  public static func backward(
    _ dout: FeatureMap, qkv: FeatureMap, cache: Cache, into dqkv: FeatureMap, in arena: Arena
  ) {
    let (n, c, ld) = (qkv.pixels, dout.channels, qkv.stride)
    let (q, dq) = (qkv.row(0), dqkv.row(0))
    let d = dout.row(0)
    let scale = 1 / Float(c).squareRoot()
    dqkv.clear()
    let ds = arena.take(n * n)
    BLAS.product(
      m: n, n: c, k: n, .transpose(cache.weights, stride: n), .matrix(d, stride: dout.stride),
      into: dq + 2 * c, stride: ld)
    BLAS.product(
      m: n, n: n, k: c, .matrix(d, stride: dout.stride), .transpose(q + 2 * c, stride: ld),
      into: ds, stride: n)
    for row in 0..<n {
      let (s, g) = (cache.weights + row * n, ds + row * n)
      var dot: Float = 0
      for i in 0..<n { dot += s[i] * g[i] }
      for i in 0..<n { g[i] = s[i] * (g[i] - dot) }
    }
    BLAS.product(
      m: n, n: c, k: n, alpha: scale, .matrix(ds, stride: n), .matrix(q + c, stride: ld), into: dq,
      stride: ld)
    BLAS.product(
      m: n, n: c, k: n, alpha: scale, .transpose(ds, stride: n), .matrix(q, stride: ld),
      into: dq + c, stride: ld)
  }

  /// softmax of one row in place, shifted by its maximum.
  private static func softmax(_ row: UnsafeMutablePointer<Float>, count: Int) {
    var largest = -Float.infinity
    for i in 0..<count { largest = max(largest, row[i]) }
    let lanes = Lanes.scalarCount
    var i = 0
    while i + lanes <= count {
      Lanes.exponential(Lanes(at: row + i) - Lanes(repeating: largest)).store(to: row + i)
      i += lanes
    }
    while i < count {
      row[i] = Lanes.exponential(Lanes(repeating: row[i] - largest))[0]
      i += 1
    }
    var sum: Float = 0
    for i in 0..<count { sum += row[i] }
    let factor = 1 / sum
    for i in 0..<count { row[i] *= factor }
  }
}
