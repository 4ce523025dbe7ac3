import Foundation

/// Adam with bias correction, and decoupled weight decay (AdamW).
///
///     m ← β₁m + (1 − β₁)g   v ← β₂v + (1 − β₂)g²
///     θ ← θ − η·(m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε) − η·λ·θ
///
/// **Source** Kingma & Ba 2015 (arXiv 1412.6980), algorithm 1; Loshchilov & Hutter 2019
/// (arXiv 1711.05101).
public struct Adam: Sendable {
  /// β₁ and β₂.
  package var betas = (0.9, 0.999)
  /// ε.
  package var epsilon = 1e-8
  /// λ.
  public var weightDecay = 0.0
  /// Steps taken, t.
  package private(set) var steps = 0
  /// m.
  package private(set) var first: [Float]
  /// v.
  package private(set) var second: [Float]

  /// For `count` parameters.
  public init(count: Int) {
    first = [Float](repeating: 0, count: count)
    second = [Float](repeating: 0, count: count)
  }

  /// Goes on from m and v after `steps` steps.
  public init(first: [Float], second: [Float], steps: Int) {
    precondition(first.count == second.count, "m has \(first.count) values, v \(second.count)")
    self.first = first
    self.second = second
    self.steps = steps
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - parameters: θ.
  ///   - gradient: g.
  ///   - rate: η.
  package mutating func step(_ parameters: inout [Float], gradient: [Float], rate: Double) {
    precondition(
      parameters.count == first.count && gradient.count == first.count,
      "Adam of \(first.count) parameters got \(parameters.count) and \(gradient.count) gradients")
    steps += 1
    let factors = Factors(
      beta1: Float(betas.0), rest1: Float(1 - betas.0), beta2: Float(betas.1),
      rest2: Float(1 - betas.1), kept: Float(1 - rate * weightDecay),
      scale: Float(rate / (1 - pow(betas.0, Double(steps)))),
      correction: Float((1 / (1 - pow(betas.1, Double(steps)))).squareRoot()),
      epsilon: Float(epsilon))
    Self.apply(factors, gradient.span, &first, &second, &parameters)
  }

  /// What all parameters share in one step.
  private struct Factors {
    var beta1, rest1, beta2, rest2, kept, scale, correction, epsilon: Float
  }

  private static func apply(
    _ f: Factors, _ g: Span<Float>, _ first: inout [Float], _ second: inout [Float],
    _ parameters: inout [Float]
  ) {
    var m = first.mutableSpan
    var v = second.mutableSpan
    var theta = parameters.mutableSpan
    for i in g.indices {
      m[i] = f.beta1 * m[i] + f.rest1 * g[i]
      v[i] = f.beta2 * v[i] + f.rest2 * (g[i] * g[i])
      theta[i] =
        f.kept * theta[i] - f.scale * m[i] / (v[i].squareRoot() * f.correction + f.epsilon)
    }
  }
}
