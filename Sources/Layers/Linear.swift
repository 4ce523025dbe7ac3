import TensorCore

/// y = W x + b on one vector.
public struct Linear: Sendable {
  /// Length of x.
  public let inputs: Int
  /// Length of y.
  public let outputs: Int
  private let weight: AlignedBuffer
  private let bias: AlignedBuffer

  /// - Parameters:
  ///   - weight: `[outputs, inputs]`, row-major.
  ///   - bias: `[outputs]`.
  public init(weight: [Float], bias: [Float], inputs: Int, outputs: Int) {
    precondition(
      weight.count == inputs * outputs && bias.count == outputs,
      "linear \(inputs)→\(outputs) got \(weight.count) weights and \(bias.count) biases")
    self.inputs = inputs
    self.outputs = outputs
    self.weight = AlignedBuffer(weight)
    self.bias = AlignedBuffer(bias)
  }

  /// - Parameters:
  ///   - x: `[inputs]`.
  ///   - y: receives `[outputs]`.
  public func forward(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
    y.update(from: bias.base, count: outputs)
    BLAS.product(
      m: outputs, n: 1, k: inputs, .matrix(weight.base, stride: inputs), .matrix(x, stride: 1),
      beta: 1, into: y, stride: 1)
  }

  /// dx ← dx + Wᵀ dy.
  public func backward(_ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>) {
    BLAS.product(
      m: 1, n: inputs, k: outputs, .matrix(dy, stride: outputs),
      .matrix(weight.base, stride: inputs), beta: 1, into: dx, stride: inputs)
  }

  /// Adds the gradients of the weight, `[outputs, inputs]`, and the bias, `[outputs]`.
  public func accumulate(
    weight dw: UnsafeMutablePointer<Float>, bias db: UnsafeMutablePointer<Float>,
    x: UnsafePointer<Float>, dy: UnsafePointer<Float>
  ) {
    for o in 0..<outputs {
      let (row, g) = (dw + o * inputs, dy[o])
      for i in 0..<inputs { row[i] += g * x[i] }
      db[o] += g
    }
  }
}
