import Foundation

/// What this machine's processor can do.
package enum Processor {
  /// Flags of `/proc/cpuinfo`; empty where there is none.
  package static let flags: Set<String> = {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = info.split(separator: "\n").first { $0.hasPrefix("flags") }
    return Set((line ?? "").split(separator: " ").map(String.init))
  }()

  /// Bytes of a core's own cache, its second level: what the system tells, at most 2 MiB, since cores may
  /// share it; 1 MiB where it does not tell.
  package static let cache: Int = {
    #if canImport(Glibc)
      let told = sysconf(Int32(_SC_LEVEL2_CACHE_SIZE))
      if told > 0 { return min(told, 2 << 20) }
    #endif
    return 1 << 20
  }()

  /// A kernel of OpenBLAS that this processor would run faster than the one in use; nil: none.
  package static var betterKernel: String? { kernel(betterThan: BLAS.kernel) }

  /// A kernel of OpenBLAS that this processor would run faster than `kernel`; nil: none.
  static func kernel(betterThan kernel: String) -> String? {
    let widest = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    guard !widest.contains(kernel), flags.contains("avx512f"), flags.contains("avx512bw")
    else { return nil }
    return "SkylakeX"
  }
}
