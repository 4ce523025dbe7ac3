import TensorCore

/// The filters of a convolution, `[outputs, inputs, side, side]`.
struct FilterBank: Sendable {
  /// Output channels.
  let outputs: Int
  /// Input channels.
  let inputs: Int
  /// Filter side, 1 or 3.
  let side: Int
  private let values: AlignedBuffer
  private let isAdjoint: Bool

  /// Filters as they lie in `values`, row-major.
  init(_ values: [Float], outputs: Int, inputs: Int, side: Int) {
    precondition(
      values.count == outputs * inputs * side * side,
      "weight has \(values.count) values, expected \(outputs)×\(inputs)×\(side)×\(side)")
    self.init(
      AlignedBuffer(values), outputs: outputs, inputs: inputs, side: side, isAdjoint: false)
  }

  private init(_ values: AlignedBuffer, outputs: Int, inputs: Int, side: Int, isAdjoint: Bool) {
    self.values = values
    self.outputs = outputs
    self.inputs = inputs
    self.side = side
    self.isAdjoint = isAdjoint
  }

  /// The adjoint of a correlation is the correlation with the filter turned by 180°, the channels
  /// exchanged.
  var adjoint: FilterBank {
    FilterBank(
      values, outputs: inputs, inputs: outputs, side: side, isAdjoint: !isAdjoint)
  }

  /// The weight from input channel i to output channel o at row y and column x.
  @inline(__always)
  subscript(o: Int, i: Int, y: Int, x: Int) -> Float {
    isAdjoint
      ? values.base[((i * outputs + o) * side + side - 1 - y) * side + side - 1 - x]
      : values.base[((o * inputs + i) * side + y) * side + x]
  }
}
