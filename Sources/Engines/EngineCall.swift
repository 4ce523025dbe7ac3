import Basics
import Foundation
import Synchronization

/// What an engine is asked for: names, and how many Float32 a row of each tensor has.
struct EngineOperation: Hashable {
  /// As `denoise`.
  let name: String
  /// What v is in a vector-Jacobian product: given, or made of the residual.
  let cotangent: String?
  /// Of every tensor that it takes.
  let inputs: [Int]
  /// Of the answer.
  let output: Int

  /// D(x; σ, y) − x of noisy images: σ, label, x.
  static func denoise(_ size: Int) -> Self {
    Self(name: "denoise", cotangent: nil, inputs: [1, 1, size], output: size)
  }

  /// Σ_j v_j·∂(D − x)_j/∂x with v given: σ, label, x, v.
  static func pullback(_ size: Int) -> Self {
    Self(name: "vjp", cotangent: "given", inputs: [1, 1, size, size], output: size)
  }

  /// The same with v = scale·r, or scale·sign r, of r = D − x + offset: σ, label, x, offset, scale.
  static func pull(_ size: Int, sign: Bool) -> Self {
    Self(
      name: "vjp", cotangent: sign ? "sign" : "residual", inputs: [1, 1, size, size, 1],
      output: size)
  }

  /// Logits of images: x.
  static func logits(_ size: Int, classes: Int) -> Self {
    Self(name: "logits", cotangent: nil, inputs: [size], output: classes)
  }

  /// Σ_k v_k·∂logit_k/∂x: x, v.
  static func logitPullback(_ size: Int, classes: Int) -> Self {
    Self(name: "vjp", cotangent: "given", inputs: [size, classes], output: size)
  }
}

/// Rows that one thread waits for.
final class EngineCall: @unchecked Sendable {
  private let operation: EngineOperation
  private let inputs: [[Float]]
  private let count: Int
  /// The first row that has not been sent; touched only under the client's condition.
  private var next = 0
  private let done = DispatchSemaphore(value: 0)
  private let state: Mutex<(values: [Float], missing: Int, failure: ElbowError?)>

  init(_ operation: EngineOperation, _ inputs: [[Float]]) {
    (self.operation, self.inputs) = (operation, inputs)
    let count = (inputs.first?.count ?? 0) / operation.inputs[0]
    self.count = count
    precondition(
      count > 0 && zip(inputs, operation.inputs).allSatisfy { $0.count == count * $1 },
      "\(operation.name) needs \(operation.inputs) values a row, got \(inputs.map(\.count))")
    state = Mutex(([Float](repeating: 0, count: count * operation.output), count, nil))
  }

  /// Rows that have not been sent.
  var unsent: Int { count - next }

  /// Takes up to `most` rows that have not been sent.
  func takeRows(_ most: Int) -> Range<Int> {
    let rows = next..<min(count, next + most)
    next = rows.upperBound
    return rows
  }

  func rows(_ rows: Range<Int>, ofInput index: Int) -> ArraySlice<Float> {
    let width = operation.inputs[index]
    return inputs[index][rows.lowerBound * width..<rows.upperBound * width]
  }

  /// Takes answers of some rows.
  func give(_ values: ArraySlice<Float>, to rows: Range<Int>) {
    let width = operation.output
    let isWhole = state.withLock {
      $0.values.replaceSubrange(rows.lowerBound * width..<rows.upperBound * width, with: values)
      $0.missing -= rows.count
      return $0.missing == 0
    }
    if isWhole { done.signal() }
  }

  func fail(_ error: ElbowError) {
    state.withLock { $0.failure = $0.failure ?? error }
    done.signal()
  }

  /// Whether the answer came within a time.
  func wait(seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

  /// The answer, row after row.
  func result() throws -> [Float] {
    try state.withLock {
      if let failure = $0.failure { throw failure }
      return $0.values
    }
  }
}
