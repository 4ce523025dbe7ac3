/// What the operands of a network's products are rounded to; sums, norms, residual connections and losses
/// are in Float32 always.
public enum Precision: String, Codable, CaseIterable, Sendable {
  /// Float32: 24 bits of mantissa.
  case fp32
  /// bfloat16: 8 bits, the range of Float32.
  case bf16
}
