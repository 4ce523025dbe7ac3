import TensorCore

/// The filters of a convolution, `[outputs, inputs, rows, columns]`.
struct FilterBank: Sendable {
  /// Output channels.
  let outputs: Int
  /// Input channels.
  let inputs: Int
  /// Filter rows, 1 or 3.
  let rows: Int
  /// Filter columns, 1 or 3.
  let columns: Int
  private let values: AlignedBuffer
  private let isAdjoint: Bool

  /// Filters as they lie in `values`, row-major.
  init(_ values: [Float], outputs: Int, inputs: Int, rows: Int, columns: Int) {
    precondition(
      values.count == outputs * inputs * rows * columns,
      "weight has \(values.count) values, expected \(outputs)×\(inputs)×\(rows)×\(columns)")
    self.init(
      AlignedBuffer(values), outputs: outputs, inputs: inputs, rows: rows, columns: columns,
      isAdjoint: false)
  }

  private init(
    _ values: AlignedBuffer, outputs: Int, inputs: Int, rows: Int, columns: Int, isAdjoint: Bool
  ) {
    self.values = values
    self.outputs = outputs
    self.inputs = inputs
    self.rows = rows
    self.columns = columns
    self.isAdjoint = isAdjoint
  }

  /// The adjoint of a correlation is the correlation with the filter turned by 180°, the channels
  /// exchanged.
  var adjoint: FilterBank {
    FilterBank(
      values, outputs: inputs, inputs: outputs, rows: rows, columns: columns,
      isAdjoint: !isAdjoint)
  }

  /// The weight from input channel i to output channel o at row y and column x.
  @inline(__always)
  subscript(o: Int, i: Int, y: Int, x: Int) -> Float {
    isAdjoint
      ? values.base[((i * outputs + o) * rows + rows - 1 - y) * columns + columns - 1 - x]
      : values.base[((o * inputs + i) * rows + y) * columns + x]
  }
}
