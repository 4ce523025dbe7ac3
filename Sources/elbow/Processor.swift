import Foundation
import TensorCore

/// What this machine's processor can do.
enum Processor {
  /// Flags of `/proc/cpuinfo`; empty where there is none.
  static let flags: Set<String> = {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = info.split(separator: "\n").first { $0.hasPrefix("flags") }
    return Set((line ?? "").split(separator: " ").map(String.init))
  }()

  /// Ends the program where it was compiled for a processor that can do more than this one.
  static func check() {
    let needed: [String: [String]] = [
      "x86-64-v3": ["avx2", "fma"], "x86-64-v4": ["avx512f", "avx512bw", "avx512dq", "avx512vl"],
    ]
    let missing = (needed[compiledInstructionSet] ?? []).filter { !flags.contains($0) }
    guard missing.isEmpty || flags.isEmpty else {
      Output.error(
        "elbow: built for \(compiledInstructionSet), but this processor has no "
          + "\(missing.joined(separator: ", ")); build it here, or with ELBOW_ARCH=baseline")
      exit(1)
    }
  }

  /// A kernel of OpenBLAS that this processor would run faster than the one in use; nil: none.
  static var betterKernel: String? {
    let widest = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    guard flags.contains("avx512f"), flags.contains("avx512bw"), !widest.contains(BLAS.kernel)
    else { return nil }
    return "SkylakeX"
  }

  /// Starts the program anew, once, where OpenBLAS chose a slower kernel than the processor allows:
  /// it reads `OPENBLAS_CORETYPE` only while it is loaded.
  static func restartWithBetterKernel() {
    let marker = "ELBOW_RESTARTED"
    let environment = ProcessInfo.processInfo.environment
    guard environment["OPENBLAS_CORETYPE"] == nil, environment[marker] == nil,
      let kernel = betterKernel
    else { return }
    setenv("OPENBLAS_CORETYPE", kernel, 1)
    setenv(marker, "1", 1)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    // Where exec is not possible, the slower kernel works as well.
  }
}
