import Records

extension LikelihoodMaximizer {
  /// h of the central difference that a Hessian–vector product is, for a direction of length 1 in
  /// [−1, 1] units.
  private static let difference = 0.05

  public func problem(_ gradient: AttackConfiguration.Gradient) -> String? {
    switch (gradient, parameters.variant) {
    case (.bpda, _), (.exact, .released), (.exact, .l2), (.smoothed, .paper): nil
    case (.exact, .paper):
      "paper steps by signs, whose slope is zero: the exact gradient is the identity's; take the "
        + "gradient bpda or smoothed"
    case (.smoothed, _):
      "only paper steps by signs; of \(parameters.variant.rawValue) take the gradient exact or bpda"
    }
  }

  /// The steps once more, and two gradients of the loss for each Hessian–vector product.
  public func pullbackCost(_ gradient: AttackConfiguration.Gradient) -> Cost {
    gradient == .bpda
      ? Cost() : Cost(evaluations: 3 * cost.evaluations, gradients: 3 * cost.gradients)
  }

  /// The way back over the steps, which are taken once more from `image`.
  public func pullback(
    of cotangent: [Float], at image: [Float], through purified: PurifiedImage, key: ImageKey,
    stream: NoiseStream, smoothing: Double?
  ) throws -> [Float] {
    try pullback(of: cotangent, at: image, key: key, stream: stream, smoothing: smoothing)
  }

  /// ∂(Σ cotangent·maximized image)/∂image, in pixel units on both sides.
  ///
  /// The derivative of a step's gradient is a Hessian, whose product with a vector is a central
  /// difference of two gradients on the same noise: no second-order pass is needed. With
  /// `smoothed` the steps are those of tanh(m/(τ·mean|m|)) in the place of the sign.
  ///
  /// - Parameter smoothing: τ.
  /// - Throws: what the denoiser throws.
  public func pullback(
    of cotangent: [Float], at image: [Float], key: ImageKey, stream: NoiseStream,
    smoothing: Double? = nil
  ) throws -> [Float] {
    try pullback(of: cotangent, at: modelUnits(image), smoothing: smoothing) { x, step in
      try gradient(at: x, step: step, key: key, stream: stream)
    }
  }

  /// The same on given noise.
  ///
  /// - Parameters:
  ///   - x: image, [−1, 1] units.
  ///   - draws: one a step.
  package func pullback(
    of cotangent: [Float], at x: [Float], draws: [Draw]
  ) throws -> [Float] {
    try pullback(of: cotangent, at: x, smoothing: nil) { x, step in
      try gradient(at: x, draws[step])
    }
  }

  private func pullback(
    of cotangent: [Float], at image: [Float], smoothing: Double?,
    _ gradient: (_ x: [Float], _ step: Int) throws -> [Double]
  ) throws -> [Float] {
    var states = [MaximizationState(image, parameters, smoothing: smoothing)]
    var gradients: [[Double]] = []
    for step in 0..<parameters.steps {
      var state = states[step]
      gradients.append(try gradient(state.x, step))
      state.step(along: gradients[step])
      states.append(state)
    }
    // A pixel is (x̂ + 1)/2, clipped.
    var adjoint = MaximizationAdjoint(
      zip(cotangent, states[parameters.steps].x).map { $1.magnitude <= 1 ? Double($0) / 2 : 0 })
    for step in (0..<parameters.steps).reversed() {
      let slope = states[step].pullback(&adjoint, along: gradients[step], to: states[step + 1])
      let length = slope.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0, length.isFinite else { continue }
      let x = states[step].x
      func beside(_ sign: Double) throws -> [Double] {
        let moved = x.indices.map {
          Float(Double(x[$0]) + sign * Self.difference * slope[$0] / length)
        }
        return try gradient(moved, step)
      }
      let (ahead, behind) = try (beside(1), beside(-1))
      for i in x.indices {
        adjoint.x[i] += (ahead[i] - behind[i]) * length / (2 * Self.difference)
      }
    }
    return adjoint.x.indices.map { Float(2 * (adjoint.x[$0] + adjoint.start[$0])) }
  }
}
