package import CKernels

/// Products of bfloat16 with sums in Float32, as this processor computes them.
public struct BFloat16: Sendable {
  /// `amx` (tiles), `avx512-bf16`, or `widened`: operands made Float32 again, on any processor.
  public let name: String
  package let kernels: kernel_bf16

  /// Those that this processor, and the system on it, can run; the fastest last.
  public static let available: [BFloat16] = [
    (kernels_bf16_plain, "widened"), (kernels_bf16_avx512, "avx512-bf16"),
    (kernels_bf16_amx, "amx"),
  ].compactMap { kind, name -> BFloat16? in
    kernels_bf16_of(kind).map { BFloat16(name: name, kernels: $0.pointee) }
  }

  /// The one in use: the fastest; `widened` where the environment asks for less than AVX-512.
  public static let current: BFloat16 = {
    let all = InstructionSet.current.name == "x86-64-v4" ? available : Array(available.prefix(1))
    guard let last = all.last else { preconditionFailure("widening runs on any processor") }
    return last
  }()

  /// Whether the processor multiplies bfloat16 faster than Float32.
  public static var isFast: Bool { current.name != "widened" }

  /// `value`, rounded to nearest, ties to even.
  package static func rounded(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }

  /// Columns of a panel of the right operand.
  package static let panel = Int(kernel_panel_bf16)
}
