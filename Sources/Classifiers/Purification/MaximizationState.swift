import Foundation
import Records

/// x̂ with the optimizer's moments: what a step of likelihood maximization changes.
package struct MaximizationState {
  /// Where it began, [−1, 1] units.
  let start: [Float]
  package private(set) var x: [Float]
  private(set) var m: [Double]
  private(set) var v: [Double]
  private(set) var steps = 0
  let p: LikelihoodMaximization
  /// τ of tanh(m/(τ·mean|m|)) in the place of `paper`'s sign; nil: the sign itself.
  let smoothing: Double?

  package init(_ x: [Float], _ parameters: LikelihoodMaximization, smoothing: Double? = nil) {
    (start, self.x, p, self.smoothing) = (x, x, parameters, smoothing)
    m = Array(repeating: 0, count: x.count)
    v = m
  }

  package mutating func step(along g: [Double]) {
    steps += 1
    switch p.variant {
    case .paper:
      // m ← μm − g/‖g‖₁, x̂ ← clip(x̂ + γ·sign m) to ‖x̂ − x‖∞ ≤ η.
      accumulate(g, norm: g.reduce(0) { $0 + $1.magnitude })
      let bound = Float(2 * (p.eta ?? .infinity))
      let signs = signs
      for i in x.indices {
        let moved = x[i] + Float(p.rate) * Float(signs[i])
        x[i] = min(max(moved, start[i] - bound), start[i] + bound)
      }
    case .l2:
      // m ← μm − g/‖g‖₂, x̂ ← x̂ + (η/N)·m/‖m‖₂, pulled back to ‖x̂ − x‖₂ ≤ η.
      accumulate(g, norm: g.reduce(0) { $0 + $1 * $1 }.squareRoot())
      let length = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0 else { return }
      var delta = x.indices.map { Double(x[$0] - start[$0]) + p.rate * m[$0] / length }
      let distance = delta.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let bound = 2 * (p.eta ?? .infinity)
      if distance > bound { delta = delta.map { $0 * bound / distance } }
      for i in x.indices { x[i] = start[i] + Float(delta[i]) }
    case .released:
      // Adam, β = (μ, 0.999), ε = 1e-8.
      let (b1, b2) = (p.momentum, Self.decay)
      let (c1, c2) = corrections
      for i in x.indices {
        m[i] = b1 * m[i] + (1 - b1) * g[i]
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i]
        x[i] -= Float(p.rate * (m[i] / c1) / ((v[i] / c2).squareRoot() + 1e-8))
      }
    }
  }

  /// β₂ of Adam.
  static let decay = 0.999

  /// What Adam's moments are divided by at this step.
  var corrections: (Double, Double) {
    (1 - pow(p.momentum, Double(steps)), 1 - pow(Self.decay, Double(steps)))
  }

  /// The direction of `paper`'s step.
  private var signs: [Double] {
    guard let smoothing else { return m.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 } }
    let scale = smoothing * meanMagnitude
    return m.map { scale > 0 ? tanh($0 / scale) : 0 }
  }

  /// mean|m|.
  var meanMagnitude: Double { m.reduce(0) { $0 + $1.magnitude } / Double(m.count) }

  private mutating func accumulate(_ g: [Double], norm: Double) {
    for i in m.indices { m[i] = p.momentum * m[i] - (norm > 0 ? g[i] / norm : 0) }
  }
}
