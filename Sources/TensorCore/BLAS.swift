/// The system's OpenBLAS, one thread a call: images are spread over cores, not products.
///
/// It is loaded when it is first used: what computes nothing starts without it, and with the kernel
/// that this processor runs fastest, which OpenBLAS chooses only while it is loaded.
public enum BLAS {
  /// Kernel family in use, as `SkylakeX`.
  public static var kernel: String { BLASLibrary.loaded.text("openblas_get_corename") }

  /// Version and build options, as `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …`.
  public static var configuration: String { BLASLibrary.loaded.text("openblas_get_config") }

  /// Version alone, as `OpenBLAS 0.3.21`.
  public static var version: String {
    configuration.split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// Why it cannot be used; nil: it can.
  package static var problem: String? { BLASLibrary.outcome.problem }

  /// A row-major matrix as a product reads it.
  public struct Operand {
    fileprivate var base: UnsafePointer<Float>
    fileprivate var stride: Int
    /// As `cblas.h` numbers it.
    fileprivate var transpose: Int32

    /// The matrix at `base`, `stride` floats a row.
    public static func matrix(_ base: UnsafePointer<Float>, stride: Int) -> Operand {
      Operand(base: base, stride: stride, transpose: 111)
    }

    /// The transpose of the matrix at `base`, `stride` floats a stored row.
    public static func transpose(_ base: UnsafePointer<Float>, stride: Int) -> Operand {
      Operand(base: base, stride: stride, transpose: 112)
    }
  }

  /// C ← α·A·B + β·C.
  ///
  /// **Shape** A `[m, k]`, B `[k, n]`, C `[m, n]` with `stride` floats a row.
  public static func product(
    m: Int, n: Int, k: Int, alpha: Float = 1, _ a: Operand, _ b: Operand, beta: Float = 0,
    into c: UnsafeMutablePointer<Float>, stride: Int
  ) {
    // 101: row after row.
    BLASLibrary.loaded.sgemm(
      101, a.transpose, b.transpose, Int32(m), Int32(n), Int32(k), alpha, a.base, Int32(a.stride),
      b.base, Int32(b.stride), beta, c, Int32(stride))
  }
}
