import CKernels
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
  /// Bᵀ d B, Aᵀ t A and the adjoint of the latter.
  static var transforms: kernel_winograd { get }
  /// Bᵀ d B, rounded to bfloat16.
  static var narrowInput: NarrowInput { get }
}

extension WinogradTile {
  typealias NarrowInput =
    @convention(c) (kernel_map, kernel_tiles, UnsafeMutablePointer<UInt16>, Int, Int) -> Void
}

/// F(2, 3), points 0, ±1, ∞: rounds no worse than the definition.
enum WinogradTile2: WinogradTile {
  static let outputs = 2
  static let filter: [SIMD3<Double>] = [
    [-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1],
  ]
  static var transforms: kernel_winograd { kernels.winograd2 }
  static var narrowInput: NarrowInput { BFloat16.current.kernels.input2 }
}

/// F(4, 3), points 0, ±a, ±b, ∞ with a = 5/8 and b = 3/2, whose matrices are exact in Float32.
///
/// Rounding errors are half of those with the usual ±1, ±2, and less than twice the definition's.
enum WinogradTile4: WinogradTile {
  static let outputs = 4
  static let filter: [SIMD3<Double>] = {
    let (a, b) = (0.625, 1.5)
    let (p, q) = (a * a, b * b)
    let atA = 1 / (2 * p * (p - q))
    let atB = 1 / (2 * q * (q - p))
    return [
      [1 / (p * q), 0, 0], [atA, a * atA, p * atA], [atA, -a * atA, p * atA],
      [atB, b * atB, q * atB], [atB, -b * atB, q * atB], [0, 0, 1],
    ]
  }()
  static var transforms: kernel_winograd { kernels.winograd4 }
  static var narrowInput: NarrowInput { BFloat16.current.kernels.input4 }
}
