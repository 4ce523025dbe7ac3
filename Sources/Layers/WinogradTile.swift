import TensorCore

/// One-dimensional Winograd filtering F(m, 3): m outputs of a 3-tap filter from m + 2 inputs by
/// m + 2 products, and its square for two dimensions.
///
///     y = Aᵀ[(G g) ⊙ (Bᵀ d)]        Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
///
/// The matrices follow from m + 1 interpolation points aⱼ and infinity: G has rows
/// [1, aⱼ, aⱼ²]/Πₖ(aⱼ − aₖ), Aᵀ the powers of the points, Bᵀ the coefficients of Πₖ≠ⱼ(x − aₖ).
///
/// **Source** Lavin & Gray 2016 (arXiv 1509.09308).
protocol WinogradTile: Sendable {
  /// m.
  static var outputs: Int { get }
  /// G, `[m + 2][3]`.
  static var filter: [SIMD3<Double>] { get }
  /// Bᵀd on registers: reads m + 2 of them, `step` floats apart, writes as many.
  static func transformInput(
    _ d: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step: Int)
  /// Aᵀt on registers: reads m + 2 of them, `step` floats apart, gives `write` m with their index.
  static func transformOutput(
    _ t: UnsafePointer<Float>, step: Int, _ write: (_ index: Int, _ y: Lanes) -> Void)
  /// A dy, the adjoint of `transformOutput`: reads m registers, writes m + 2.
  static func transformCotangent(
    _ dy: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step: Int)
}

/// F(2, 3), points 0, ±1, ∞: rounds no worse than the definition.
enum WinogradTile2: WinogradTile {
  static let outputs = 2
  static let filter: [SIMD3<Double>] = [
    [-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1],
  ]

  @inline(__always)
  static func transformInput(
    _ d: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step target: Int
  ) {
    let (d0, d1) = (Lanes(at: d), Lanes(at: d + step))
    let (d2, d3) = (Lanes(at: d + 2 * step), Lanes(at: d + 3 * step))
    (d2 - d0).store(to: t)
    (d2 + d1).store(to: t + target)
    (d2 - d1).store(to: t + 2 * target)
    (d3 - d1).store(to: t + 3 * target)
  }

  @inline(__always)
  static func transformOutput(
    _ t: UnsafePointer<Float>, step: Int, _ write: (_ index: Int, _ y: Lanes) -> Void
  ) {
    let (t1, t2) = (Lanes(at: t + step), Lanes(at: t + 2 * step))
    write(0, Lanes(at: t) + (t1 + t2))
    write(1, Lanes(at: t + 3 * step) + (t1 - t2))
  }

  @inline(__always)
  static func transformCotangent(
    _ dy: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step target: Int
  ) {
    let (y0, y1) = (Lanes(at: dy), Lanes(at: dy + step))
    y0.store(to: t)
    (y0 + y1).store(to: t + target)
    (y0 - y1).store(to: t + 2 * target)
    y1.store(to: t + 3 * target)
  }
}

/// F(4, 3), points 0, ±a, ±b, ∞ with a = 5/8 and b = 3/2, whose matrices are exact in Float32.
///
/// Rounding errors are half of those with the usual ±1, ±2, and less than twice the definition's.
enum WinogradTile4: WinogradTile {
  static let outputs = 4
  private static var a: Double { 0.625 }
  private static var b: Double { 1.5 }
  private static var p: Double { a * a }
  private static var q: Double { b * b }

  static let filter: [SIMD3<Double>] = {
    let atA = 1 / (2 * p * (p - q))
    let atB = 1 / (2 * q * (q - p))
    return [
      [1 / (p * q), 0, 0], [atA, a * atA, p * atA], [atA, -a * atA, p * atA],
      [atB, b * atB, q * atB], [atB, -b * atB, q * atB], [0, 0, 1],
    ]
  }()

  @inline(__always)
  private static func lanes(_ value: Double) -> Lanes { Lanes(repeating: Float(value)) }

  @inline(__always)
  static func transformInput(
    _ d: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step target: Int
  ) {
    let (a, b) = (lanes(Self.a), lanes(Self.b))
    let (minusP, minusQ) = (lanes(-Self.p), lanes(-Self.q))
    let (product, minusSum) = (lanes(Self.p * Self.q), lanes(-Self.p - Self.q))
    let (d0, d1, d2) = (Lanes(at: d), Lanes(at: d + step), Lanes(at: d + 2 * step))
    let (d3, d4) = (Lanes(at: d + 3 * step), Lanes(at: d + 4 * step))
    let d5 = Lanes(at: d + 5 * step)
    let (evenA, oddA) = (d4.plus(minusQ, times: d2), a * d3.plus(minusQ, times: d1))
    let (evenB, oddB) = (d4.plus(minusP, times: d2), b * d3.plus(minusP, times: d1))
    d4.plus(minusSum, times: d2).plus(product, times: d0).store(to: t)
    (evenA + oddA).store(to: t + target)
    (evenA - oddA).store(to: t + 2 * target)
    (evenB + oddB).store(to: t + 3 * target)
    (evenB - oddB).store(to: t + 4 * target)
    d5.plus(minusSum, times: d3).plus(product, times: d1).store(to: t + 5 * target)
  }

  @inline(__always)
  static func transformOutput(
    _ t: UnsafePointer<Float>, step: Int, _ write: (_ index: Int, _ y: Lanes) -> Void
  ) {
    let (cubeA, cubeB) = (lanes(Self.a * Self.p), lanes(Self.b * Self.q))
    let (a, b) = (lanes(Self.a), lanes(Self.b))
    let (p, q) = (lanes(Self.p), lanes(Self.q))
    let (t1, t2) = (Lanes(at: t + step), Lanes(at: t + 2 * step))
    let (t3, t4) = (Lanes(at: t + 3 * step), Lanes(at: t + 4 * step))
    let (sumA, differenceA) = (t1 + t2, t1 - t2)
    let (sumB, differenceB) = (t3 + t4, t3 - t4)
    write(0, Lanes(at: t) + sumA + sumB)
    write(1, (a * differenceA).plus(b, times: differenceB))
    write(2, (p * sumA).plus(q, times: sumB))
    let t5 = Lanes(at: t + 5 * step)
    write(3, t5.plus(cubeA, times: differenceA).plus(cubeB, times: differenceB))
  }

  @inline(__always)
  static func transformCotangent(
    _ dy: UnsafePointer<Float>, step: Int, into t: UnsafeMutablePointer<Float>, step target: Int
  ) {
    let (cubeA, cubeB) = (lanes(Self.a * Self.p), lanes(Self.b * Self.q))
    let (a, b) = (lanes(Self.a), lanes(Self.b))
    let (p, q) = (lanes(Self.p), lanes(Self.q))
    let (y0, y1) = (Lanes(at: dy), Lanes(at: dy + step))
    let (y2, y3) = (Lanes(at: dy + 2 * step), Lanes(at: dy + 3 * step))
    let (evenA, oddA) = (y0.plus(p, times: y2), (a * y1).plus(cubeA, times: y3))
    let (evenB, oddB) = (y0.plus(q, times: y2), (b * y1).plus(cubeB, times: y3))
    y0.store(to: t)
    (evenA + oddA).store(to: t + target)
    (evenA - oddA).store(to: t + 2 * target)
    (evenB + oddB).store(to: t + 3 * target)
    (evenB - oddB).store(to: t + 4 * target)
    y3.store(to: t + 5 * target)
  }
}
