import Foundation

/// What this machine's processor can do.
package enum Processor {
  /// Flags of `/proc/cpuinfo`; empty where there is none.
  package static let flags: Set<String> = {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = info.split(separator: "\n").first { $0.hasPrefix("flags") }
    return Set((line ?? "").split(separator: " ").map(String.init))
  }()

  /// What the code was compiled for and this processor lacks; empty where it can run.
  package static var missingFeatures: [String] {
    let needed: [String: [String]] = [
      "x86-64-v3": ["avx2", "fma"], "x86-64-v4": ["avx512f", "avx512bw", "avx512dq", "avx512vl"],
    ]
    guard !flags.isEmpty else { return [] }
    return (needed[compiledInstructionSet] ?? []).filter { !flags.contains($0) }
  }

  /// A kernel of OpenBLAS that this processor would run faster than the one in use; nil: none.
  package static var betterKernel: String? {
    let widest = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    guard flags.contains("avx512f"), flags.contains("avx512bw"), !widest.contains(BLAS.kernel)
    else { return nil }
    return "SkylakeX"
  }
}
