import COpenBLAS

/// The system's OpenBLAS, one thread a call: images are spread over cores, not products.
public enum BLAS {
  private static let oneThread: Void = openblas_set_num_threads(1)

  /// Keeps OpenBLAS on the calling thread from now on.
  public static func useOneThread() { _ = oneThread }

  /// Kernel family that OpenBLAS chose when it was loaded, as `SkylakeX`.
  public static var kernel: String { String(cString: openblas_get_corename()) }

  /// Version and build options, as `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …`.
  public static var configuration: String { String(cString: openblas_get_config()) }

  /// Version alone, as `OpenBLAS 0.3.21`.
  public static var version: String {
    configuration.split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// A row-major matrix as a product reads it.
  public struct Operand {
    fileprivate var base: UnsafePointer<Float>
    fileprivate var stride: Int
    fileprivate var transpose: CBLAS_TRANSPOSE

    /// The matrix at `base`, `stride` floats a row.
    public static func matrix(_ base: UnsafePointer<Float>, stride: Int) -> Operand {
      Operand(base: base, stride: stride, transpose: CblasNoTrans)
    }

    /// The transpose of the matrix at `base`, `stride` floats a stored row.
    public static func transpose(_ base: UnsafePointer<Float>, stride: Int) -> Operand {
      Operand(base: base, stride: stride, transpose: CblasTrans)
    }
  }

  /// C ← α·A·B + β·C.
  ///
  /// **Shape** A `[m, k]`, B `[k, n]`, C `[m, n]` with `stride` floats a row.
  public static func product(
    m: Int, n: Int, k: Int, alpha: Float = 1, _ a: Operand, _ b: Operand, beta: Float = 0,
    into c: UnsafeMutablePointer<Float>, stride: Int
  ) {
    useOneThread()
    cblas_sgemm(
      CblasRowMajor, a.transpose, b.transpose, blasint(m), blasint(n), blasint(k), alpha, a.base,
      blasint(a.stride), b.base, blasint(b.stride), beta, c, blasint(stride))
  }
}
