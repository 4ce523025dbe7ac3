package import CKernels
import Foundation

/// Products of bfloat16 with sums in Float32, as this processor computes them.
public struct BFloat16: Sendable {
  /// `amx` (tiles), `avx512-bf16`, or `widened`: operands made Float32 again, on any processor.
  public let name: String
  package let kernels: kernel_bf16

  /// Those that this processor, and the system on it, can run, with registers as wide as those that weights
  /// are packed for; the fastest last.
  public static let available: [BFloat16] = [
    (kernels_bf16_plain, "widened"), (kernels_bf16_avx512, "avx512-bf16"),
    (kernels_bf16_amx, "amx"),
  ].compactMap { kind, name -> BFloat16? in
    let lanes = InstructionSet.chosen?.kernels.lanes ?? 0
    guard kind == kernels_bf16_plain || lanes >= 8 else { return nil }
    return kernels_bf16_of(kind).map { BFloat16(name: name, kernels: $0.pointee) }
  }

  /// The one in use: the fastest, or that which the environment's `ELBOW_BF16` names; `widened` where it
  /// asks for less than AVX-512.
  ///
  /// Ends the process where this machine does not have that one.
  public static let current: BFloat16 = {
    guard let chosen else { fatalError("ELBOW_BF16 is none of \(available.map(\.name))") }
    return chosen
  }()

  /// What `current` is; nil where the environment names one that this machine does not have.
  public static var chosen: BFloat16? {
    if let name = ProcessInfo.processInfo.environment["ELBOW_BF16"], !name.isEmpty {
      return available.first { $0.name == name }
    }
    return InstructionSet.current.name == "x86-64-v4" ? available.last : available.first
  }

  /// Whether the processor multiplies bfloat16 faster than Float32.
  public static var isFast: Bool { current.name != "widened" }

  /// Whether operands are tiles of AMX.
  package var hasTiles: Bool { name == "amx" }

  /// `value`, rounded to nearest, ties to even.
  package static func rounded(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }

  /// Columns of a panel of the right operand.
  package static let panel = Int(kernel_panel_bf16)
}
