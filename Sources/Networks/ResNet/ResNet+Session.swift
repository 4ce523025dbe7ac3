import TensorCore

extension ResNet {
  /// One thread's scratch space.
  ///
  /// Results depend on the arguments alone: not on the thread, the order or what else runs.
  public final class Session {
    private var network: ResNet
    private let arena = Arena()
    private var kept: (cache: ResNet.Cache, mark: Arena.Mark)?

    /// Scratch space for `network`.
    public init(_ network: ResNet) { self.network = network }

    /// Number of classes K.
    public var classCount: Int { network.architecture.classes }

    /// Turns to another network, the scratch memory kept: training has a new one each step.
    public func use(_ network: ResNet) {
      self.network = network
      kept = nil
    }

    /// The logits of one image.
    ///
    /// - Parameters:
    ///   - image: planar `[C, H, W]`, pixel units [0, 1].
    ///   - logits: receives `[classes]`.
    ///   - keeps: whether `pullback` or `accumulate` will be called for this evaluation.
    public func logits(
      of image: Span<Float>, into logits: inout MutableSpan<Float>, keepsForBackward keeps: Bool
    ) {
      let shape = network.shape
      let classes = network.architecture.classes
      precondition(
        image.count == shape.count && logits.count == classes,
        "image and logits need \(shape.count) and \(classes) values, got \(image.count) and "
          + "\(logits.count)")
      kept = nil
      arena.release(to: .start)
      let x = network.makeInput(in: arena)
      forEachValue(of: x, shape) { pointer, i in pointer.pointee = 2 * image[i] - 1 }
      let cache = network.forward(
        x, keeping: keeps ? .forParameters : .nothing, in: arena)
      for k in 0..<classes { logits[k] = cache.logits[k] }
      if keeps { kept = (cache, arena.mark) }
    }

    /// The gradient (∂z/∂x)ᵀ v of the last logits that were kept, in pixel units.
    ///
    /// - Parameters:
    ///   - cotangent: v, `[classes]`.
    ///   - gradient: receives `[C·H·W]`.
    public func pullback(of cotangent: Span<Float>, into gradient: inout MutableSpan<Float>) {
      guard let dx = differentiate(cotangent, gradients: nil) else { return }
      // x = 2·pixel − 1.
      forEachValue(of: dx, network.shape) { pointer, i in gradient[i] = 2 * pointer.pointee }
    }

    /// Adds the gradients of all parameters of vᵀz to `gradients`, for the last logits that were
    /// kept.
    ///
    /// - Parameter cotangent: v, `[classes]`.
    package func accumulate(_ cotangent: Span<Float>, into gradients: ParameterGradients) {
      _ = differentiate(cotangent, gradients: gradients)
    }

    /// The gradient of the input, where no others are asked for.
    private func differentiate(
      _ cotangent: Span<Float>, gradients: ParameterGradients?
    ) -> FeatureMap? {
      guard let (cache, mark) = kept else {
        preconditionFailure("a backward pass needs logits that were kept for it")
      }
      arena.release(to: mark)
      let dy = arena.take(cotangent.count)
      for k in cotangent.indices { dy[k] = cotangent[k] }
      return network.backward(
        dy, cache: cache, gradients: gradients, wantsInput: gradients == nil, in: arena)
    }
  }
}
