import Networks
import Synchronization
import TensorCore

/// Sums the gradients of a batch in fixed parts, so that the sum does not depend on the number of
/// threads; the parts' memory is kept from batch to batch.
final class BatchGradient: @unchecked Sendable {
  /// Most parts of a batch, and fewest images in one.
  private static let (mostParts, smallestPart) = (8, 16)

  // Whoever works on a part is alone with it.
  private var parts: [ParameterGradients] = []

  /// The sum over a batch of `count` examples, by the order of `parameters`.
  ///
  /// - Parameter differentiate: adds the gradients of a range of examples, using the scratch space
  ///   of a worker's slot, and returns their part of the loss.
  /// - Throws: `CancellationError` where the workers are cancelled.
  func sum(
    _ count: Int, of network: some DifferentiableNetwork, _ parameters: ParameterVector,
    workers: WorkerPool,
    _ differentiate:
      @Sendable (_ range: Range<Int>, _ slot: Int, _ gradients: ParameterGradients) -> Double
  ) throws -> (loss: Double, gradient: [Float]) {
    precondition(count > 0, "a batch needs an image")
    try network.prepare(workers)
    let size = max(Self.smallestPart, (count + Self.mostParts - 1) / Self.mostParts)
    let used = (count + size - 1) / size
    while parts.count < used { parts.append(network.makeGradients()) }
    let losses = Mutex([Double](repeating: 0, count: used))
    try workers.forEach(used) { part, slot in
      let gradients = parts[part]
      gradients.reset()
      let loss = differentiate(part * size..<min((part + 1) * size, count), slot, gradients)
      losses.withLock { $0[part] = loss }
    }
    let (length, block) = (parts[0].count, 1 << 16)
    try workers.forEach((length + block - 1) / block) { index, _ in
      let range = index * block..<min((index + 1) * block, length)
      for part in 1..<used { parts[0].add(parts[part], in: range) }
    }
    var vector = [Float](repeating: 0, count: parameters.values.count)
    parameters.scatter(try network.export(parts[0], workers: workers), into: &vector)
    return (losses.withLock { $0.reduce(0, +) }, vector)
  }
}
