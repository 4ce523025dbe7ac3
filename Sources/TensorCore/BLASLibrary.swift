import Foundation

/// OpenBLAS as it was found and loaded.
struct BLASLibrary: @unchecked Sendable {
  /// `cblas_sgemm`: order, transposes, m, n, k, α, A, its stride, B, its stride, β, C, its stride.
  typealias Product =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
      UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
    ) -> Void

  let sgemm: Product
  private let handle: UnsafeMutableRawPointer

  /// What came of loading it.
  enum Outcome: Sendable {
    case loaded(BLASLibrary)
    case failed(String)

    var problem: String? {
      guard case .failed(let reason) = self else { return nil }
      return reason
    }
  }

  static let outcome = load()

  /// The library; where there is none, the program ends here and says so.
  static let loaded: BLASLibrary = {
    switch outcome {
    case .loaded(let library): return library
    case .failed(let reason): fatalError(reason)
    }
  }()

  /// Where Linux and macOS keep it.
  private static let names = [
    "libopenblas.so.0", "libopenblas.so", "libopenblas.dylib",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
  ]

  /// Loads it, without threads of its own, and once more where it chose a slower kernel than the
  /// processor allows. Its environment is as it was afterwards: processes that are started from here
  /// choose for themselves.
  private static func load() -> Outcome {
    let environment = ProcessInfo.processInfo.environment
    func set(_ name: String, _ value: String) {
      if environment[name] == nil { setenv(name, value, 1) }
    }
    func restore(_ name: String) { if environment[name] == nil { unsetenv(name) } }
    set("OPENBLAS_NUM_THREADS", "1")
    defer {
      restore("OPENBLAS_NUM_THREADS")
      restore("OPENBLAS_CORETYPE")
    }
    guard let library = BLASLibrary() else {
      return .failed("OpenBLAS is not to be found (\(names[0])); install it, as libopenblas0")
    }
    guard environment["OPENBLAS_CORETYPE"] == nil,
      let kernel = Processor.kernel(betterThan: library.text("openblas_get_corename"))
    else { return .loaded(library) }
    dlclose(library.handle)
    set("OPENBLAS_CORETYPE", kernel)
    guard let better = BLASLibrary() else { return .failed("OpenBLAS cannot be loaded again") }
    return .loaded(better)
  }

  /// Opens it once, which a lazy chain of maps would do twice: closing it would leave it loaded.
  private static func opened() -> UnsafeMutableRawPointer? {
    for name in names {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) { return handle }
    }
    return nil
  }

  private init?() {
    guard let handle = Self.opened(), let sgemm = dlsym(handle, "cblas_sgemm")
    else { return nil }
    self.handle = handle
    self.sgemm = unsafeBitCast(sgemm, to: Product.self)
    // The environment may ask for more.
    if let threads = dlsym(handle, "openblas_set_num_threads") {
      unsafeBitCast(threads, to: (@convention(c) (Int32) -> Void).self)(1)
    }
  }

  /// What a function without parameters says; empty where there is none of that name.
  func text(_ function: String) -> String {
    guard let symbol = dlsym(handle, function) else { return "" }
    let call = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafePointer<CChar>?).self)
    return call().map { String(cString: $0) } ?? ""
  }
}
