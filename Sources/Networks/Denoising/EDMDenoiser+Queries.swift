import Layers
import TensorCore

/// Unrelated queries in groups: the weights of the small maps' layers, more than the caches hold,
/// are read once a group. A result is the same, to the last bit, in any group.
extension EDMDenoiser.Session {
  /// Evaluations a group: more gain little, and what they hold should not fill the memory.
  func groupSize(keeping retention: Retention) -> Int {
    let floats = denoiser.network.architecture.scratchCount(keeping: retention)
    return max(1, min(8, groupBytes / (floats * MemoryLayout<Float>.stride)))
  }

  /// Weights in bfloat16 are multiplied faster, so that to read them again weighs more.
  private var groupBytes: Int { denoiser.network.precision == .bf16 ? 160 << 20 : 64 << 20 }

  /// The residuals of each query, `[labels, C·H·W]`, given to `body` with its index, in order.
  public func evaluate(
    _ queries: [DenoisingQuery], _ body: (_ index: Int, _ residuals: Span<Float>) -> Void
  ) {
    forEachGroup(queries, keeping: .nothing) { group in
      let output = forward(queries, group, keeping: .nothing).output
      for part in group { body(part.index, read(output, queries[part.index], part).span) }
    }
  }

  /// The gradient of each query, Σ_y (∂r_y/∂x)ᵀ v_y with ε held fixed.
  ///
  /// - Parameters:
  ///   - cotangent: called once for each query in order, with its index and all r_y,
  ///     `[labels, C·H·W]`, which it replaces by v_y.
  ///   - body: called with the gradient of each query in order, `[C·H·W]`, with its index.
  public func differentiate(
    _ queries: [DenoisingQuery],
    cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void,
    _ body: (_ index: Int, _ gradient: Span<Float>) -> Void
  ) {
    forEachGroup(queries, keeping: .forInput) { group in
      let cache = forward(queries, group, keeping: .forInput)
      pullback(queries, group, cache, cotangent: cotangent, body)
    }
  }

  /// The gradients of a group that `forward` evaluated.
  func pullback(
    _ queries: [DenoisingQuery], _ group: [Part], _ cache: UNet.Cache,
    cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void,
    _ body: (_ index: Int, _ gradient: Span<Float>) -> Void
  ) {
    let (network, size) = (denoiser.network, denoiser.shape.count)
    let (first, cotangents) = backward(queries, group, cache, adding: nil, cotangent: cotangent)
    let dx = network.inputGradient(first, in: arena)
    for (part, v) in zip(group, cotangents) {
      let scaling = scaling(of: queries[part.index])
      let gradient = makeBuffer(size)
      for i in 0..<size {
        gradient[i] = -scaling.shrink * v[i]
        for other in stride(from: i + size, to: v.count, by: size) {
          gradient[i] -= scaling.shrink * v[other]
        }
      }
      for pass in part.passes.indices {
        forEachValue(of: dx[part.firstPass + pass], denoiser.shape) { pointer, i in
          gradient[i] += scaling.input * pointer.pointee
        }
      }
      body(part.index, gradient.span)
    }
  }

  /// Adds the gradients of every parameter of Σ v_yᵀr_y over all queries to `gradients`.
  ///
  /// - Parameter cotangent: called once for each query in order, with its index and all r_y,
  ///   `[labels, C·H·W]`, which it replaces by v_y.
  package func accumulate(
    _ queries: [DenoisingQuery], into gradients: ParameterGradients,
    cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void
  ) {
    forEachGroup(queries, keeping: .forParameters) { group in
      let cache = forward(queries, group, keeping: .forParameters)
      _ = backward(queries, group, cache, adding: gradients, cotangent: cotangent)
    }
  }

  /// A query's place in a group.
  struct Part {
    var index: Int
    var firstPass: Int
    var passes: [Pass]
  }

  /// Whole queries together, as many as their passes through the network allow.
  private func forEachGroup(
    _ queries: [DenoisingQuery], keeping retention: Retention, _ body: ([Part]) -> Void
  ) {
    let size = groupSize(keeping: retention)
    var (group, count): ([Part], Int) = ([], 0)
    func finish() {
      guard !group.isEmpty else { return }
      arena.release(to: .start)
      body(group)
      (group, count) = ([], 0)
    }
    for (index, query) in queries.enumerated() {
      let passes = passes(query.labels)
      if count + passes.count > size { finish() }
      group.append(Part(index: index, firstPass: count, passes: passes))
      count += passes.count
    }
    finish()
  }

  /// All of `queries` together.
  func wholeGroup(_ queries: [DenoisingQuery]) -> [Part] {
    var count = 0
    return queries.enumerated().map { index, query in
      let passes = passes(query.labels)
      defer { count += passes.count }
      return Part(index: index, firstPass: count, passes: passes)
    }
  }

  private func scaling(of query: DenoisingQuery) -> EDMDenoiser.Preconditioning {
    EDMDenoiser.Preconditioning(
      sigma: query.sigma, sigmaData: denoiser.network.architecture.sigmaData)
  }

  private func makeBuffer(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: arena.take(count), count: count)
  }

  func forward(
    _ queries: [DenoisingQuery], _ group: [Part], keeping retention: Retention
  ) -> UNet.Cache {
    let (network, shape) = (denoiser.network, denoiser.shape)
    var conditions: [NoiseEmbedding.Condition] = []
    let x = network.makeInput(images: group.reduce(0) { $0 + $1.passes.count }, in: arena)
    for part in group {
      let query = queries[part.index]
      precondition(
        query.image.count == shape.count && query.noise.count == shape.count,
        "image and noise need \(shape.count) values, got \(query.image.count) and "
          + "\(query.noise.count)")
      let (scaling, image, noise) = (scaling(of: query), query.image.span, query.noise.span)
      for (offset, pass) in part.passes.enumerated() {
        forEachValue(of: x[part.firstPass + offset], shape) { pointer, at in
          pointer.pointee = scaling.input * (image[at] + query.sigma * noise[at])
        }
        conditions.append(.init(noise: scaling.noise, label: pass.label))
      }
    }
    let trunk = network.begin(x, keeping: retention, in: arena)
    return network.forward(trunk, conditions: conditions, keeping: retention, in: arena)
  }

  /// D(x + σε) − x of every label from F.
  func read(
    _ output: FeatureMap, _ query: DenoisingQuery, _ part: Part
  ) -> UnsafeMutableBufferPointer<Float> {
    let (shape, size) = (denoiser.shape, denoiser.shape.count)
    let (scaling, image, noise) = (scaling(of: query), query.image.span, query.noise.span)
    let residuals = makeBuffer(query.labels.count * size)
    for (offset, pass) in part.passes.enumerated() {
      for (label, head) in pass.outputs {
        forEachValue(of: output[part.firstPass + offset], shape, head: head) { pointer, i in
          residuals[label * size + i] = scaling.residual(pointer.pointee, image[i], noise[i])
        }
      }
    }
    return residuals
  }

  /// The gradient to the first convolution's output, and each query's v, `[labels, C·H·W]`.
  private func backward(
    _ queries: [DenoisingQuery], _ group: [Part], _ cache: UNet.Cache,
    adding gradients: ParameterGradients?,
    cotangent: (_ index: Int, _ residuals: inout MutableSpan<Float>) -> Void
  ) -> (first: FeatureMap, cotangents: [UnsafeMutableBufferPointer<Float>]) {
    let (network, shape) = (denoiser.network, denoiser.shape)
    let dy = network.makeOutputGradient(images: cache.output.images, in: arena)
    var cotangents: [UnsafeMutableBufferPointer<Float>] = []
    for part in group {
      let query = queries[part.index]
      let v = read(cache.output, query, part)
      var span = v.mutableSpan
      cotangent(part.index, &span)
      let out = scaling(of: query).out
      for (offset, pass) in part.passes.enumerated() {
        for (label, head) in pass.outputs {
          forEachValue(of: dy[part.firstPass + offset], shape, head: head) { pointer, at in
            pointer.pointee += out * v[label * shape.count + at]
          }
        }
      }
      cotangents.append(v)
    }
    return (network.backward(dy, cache: cache, gradients: gradients, in: arena), cotangents)
  }
}
