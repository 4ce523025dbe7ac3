import Basics
import Layers

/// Reads a network's parameters by their checkpoint names and builds layers of them.
struct ParameterReader {
  /// The values of the named parameter, row-major in the shape given.
  let read: (_ name: String, _ shape: [Int]) throws -> [Float]
  /// 2, or 1 where the maps are signals, whose filters have no rows.
  let dimensions: Int
  /// Of the convolutions' products; those of signals are in Float32.
  let precision: Precision

  init(
    read: @escaping (_ name: String, _ shape: [Int]) throws -> [Float], dimensions: Int,
    precision: Precision
  ) {
    (self.read, self.dimensions) = (read, dimensions)
    self.precision = dimensions == 1 ? .fp32 : precision
  }

  private func filter(_ kernel: Int) -> [Int] { Array(repeating: kernel, count: dimensions) }
  private func rows(_ kernel: Int) -> Int { dimensions == 1 ? 1 : kernel }

  /// A convolution over maps of `side` pixels a side.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: Int, side: Int, inputStride: Int? = nil
  ) throws -> Convolution {
    Convolution(
      weight: try read("\(name).weight", [outputs, inputs] + filter(kernel)),
      bias: try read("\(name).bias", [outputs]), inputs: inputs, outputs: outputs, kernel: kernel,
      kernelRows: rows(kernel), inputStride: inputStride, side: side, precision: precision)
  }

  /// A 1×1 convolution whose outputs interleave `blocks` values a channel, regrouped to
  /// consecutive blocks: output c·blocks + j of the checkpoint becomes j·channels + c.
  func interleavedConvolution(
    _ name: String, _ channels: Int, blocks: Int, side: Int
  ) throws -> Convolution {
    let outputs = channels * blocks
    let weight = try read("\(name).weight", [outputs, channels] + filter(1))
    let bias = try read("\(name).bias", [outputs])
    return Convolution(
      weight: deinterleave(weight, blocks: blocks, rows: channels),
      bias: deinterleave(bias, blocks: blocks, rows: channels),
      inputs: channels, outputs: outputs, kernel: 1, side: side, precision: precision)
  }

  func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear {
    Linear(
      weight: try read("\(name).weight", [outputs, inputs]),
      bias: try read("\(name).bias", [outputs]), inputs: inputs, outputs: outputs)
  }

  func norm(_ name: String, _ channels: Int, activates: Bool) throws -> GroupNorm {
    GroupNorm(
      weight: try read("\(name).weight", [channels]), bias: try read("\(name).bias", [channels]),
      activates: activates)
  }
}

/// Row c·blocks + j of `[rows·blocks, …]` moved to row j·rows + c.
func deinterleave(_ values: [Float], blocks: Int, rows: Int) -> [Float] {
  permuteRows(values, count: rows * blocks) { row in (row % rows) * blocks + row / rows }
}

/// The inverse of `deinterleave`.
func interleave(_ values: [Float], blocks: Int, rows: Int) -> [Float] {
  permuteRows(values, count: rows * blocks) { row in (row % blocks) * rows + row / blocks }
}

private func permuteRows(_ values: [Float], count: Int, source: (Int) -> Int) -> [Float] {
  let length = values.count / count
  var result: [Float] = []
  result.reserveCapacity(values.count)
  for row in 0..<count {
    let start = source(row) * length
    result.append(contentsOf: values[start..<start + length])
  }
  return result
}
