import Basics
package import CKernels
import Foundation

/// An instruction set that the engine's inner loops are compiled for; one is chosen when the program
/// starts.
///
/// Results are the same, to the last bit, whatever the number of threads or images, within one
/// instruction set; between two they differ by rounding.
public struct InstructionSet: Sendable {
  /// As runs record it: `baseline`, `x86-64-v3` (AVX2), `x86-64-v4` (AVX-512), or `arm64`.
  public let name: String
  package let kernels: kernel_table

  /// Those that this processor, and the system on it, can run; the fastest last.
  public static let available: [InstructionSet] = [
    (kernels_baseline, lowest), (kernels_avx2, "x86-64-v3"), (kernels_avx512, "x86-64-v4"),
  ].compactMap { kind, name -> InstructionSet? in
    kernels_of(kind).map { InstructionSet(name: name, kernels: $0.pointee) }
  }

  /// The one in use: the fastest, or that which the environment's `ELBOW_ARCH` names.
  ///
  /// Ends the process where this machine does not have that one.
  public static let current: InstructionSet = {
    guard let chosen else { fatalError("ELBOW_ARCH is none of \(available.map(\.name))") }
    return chosen
  }()

  /// What `current` is; nil where the environment names one that this machine does not have.
  public static var chosen: InstructionSet? {
    guard let name = ProcessInfo.processInfo.environment["ELBOW_ARCH"], !name.isEmpty else {
      return available.last
    }
    // What any processor of the kind has goes by this name everywhere.
    return name == "baseline" ? available.first : available.first { $0.name == name }
  }

  /// What runs record: the one in use, and what multiplies bfloat16 where products are of that.
  public static func name(with precision: Precision) -> String {
    precision == .fp32 ? current.name : "\(current.name), bf16 \(BFloat16.current.name)"
  }

  private static var lowest: String {
    #if arch(arm64)
      "arm64"
    #else
      "baseline"
    #endif
  }
}

/// The inner loops of the instruction set in use.
package let kernels = InstructionSet.current.kernels
