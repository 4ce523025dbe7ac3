import Layers
import Synchronization
import TensorCore

/// A network whose parameters' gradients can be summed.
package protocol DifferentiableNetwork: AnyObject, Sendable {
  /// Every convolution.
  var convolutions: [Convolution] { get }
  /// Where each parameter's gradient stands.
  var layout: GradientLayout { get }
  /// Zeroed gradients of all parameters, for every network of this architecture.
  func makeGradients() -> ParameterGradients
}

extension DifferentiableNetwork {
  /// Makes the weights that the convolutions compute with in both directions, which otherwise whoever
  /// needs them first does: training has new ones at each step.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  package func prepare(_ workers: WorkerPool) throws {
    let layers = convolutions
    try workers.forEach(2 * layers.count) { item, _ in
      layers[item / 2].prepare(item % 2 == 0 ? .forward : .backward)
    }
  }

  /// `gradients` under the checkpoint's parameter names, in the checkpoint's memory order; those
  /// that no output depends on are left out.
  ///
  /// - Throws: `CancellationError` where the workers are cancelled.
  package func export(
    _ gradients: ParameterGradients, workers: WorkerPool
  ) throws -> [String: [Float]] {
    let named = Mutex<[String: [Float]]>([:])
    try workers.forEach(layout.entries.count) { [layout] item, _ in
      let entry = layout.entries[item]
      let values = entry.export(UnsafePointer(gradients.pointer(entry.offset)))
      named.withLock { $0[entry.name] = values }
    }
    return named.withLock { $0 }
  }
}
