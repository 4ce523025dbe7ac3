import Foundation

/// Adjoints of x̂, the moments and the place of start, carried back over the steps.
package struct MaximizationAdjoint {
  package var x: [Double]
  var m: [Double]
  var v: [Double]
  package var start: [Double]

  /// - Parameter x: of the last x̂.
  package init(_ x: [Double]) {
    self.x = x
    m = Array(repeating: 0, count: x.count)
    (v, start) = (m, m)
  }
}

extension MaximizationState {
  /// Carries `adjoint` back over the step from this state along `g` to `after`, all but the way
  /// through g itself.
  ///
  /// - Returns: the adjoint of g: through it x̂ has, besides, the Hessian times that.
  package func pullback(
    _ adjoint: inout MaximizationAdjoint, along g: [Double], to after: MaximizationState
  ) -> [Double] {
    switch p.variant {
    case .released: adamPullback(&adjoint, along: g, to: after)
    case .l2: normalizedPullback(&adjoint, along: g, to: after)
    case .paper: smoothedPullback(&adjoint, along: g, to: after)
    }
  }

  private func adamPullback(
    _ adjoint: inout MaximizationAdjoint, along g: [Double], to after: MaximizationState
  ) -> [Double] {
    let (b1, b2) = (p.momentum, Self.decay)
    let (c1, c2) = after.corrections
    return g.indices.map { i in
      let root = (after.v[i] / c2).squareRoot()
      let divisor = root + 1e-8
      let m = adjoint.m[i] - p.rate / (c1 * divisor) * adjoint.x[i]
      let slope = root > 0 ? after.m[i] / c1 / (divisor * divisor * 2 * root * c2) : 0
      let v = adjoint.v[i] + p.rate * slope * adjoint.x[i]
      (adjoint.m[i], adjoint.v[i]) = (b1 * m, b2 * v)
      return (1 - b1) * m + 2 * (1 - b2) * g[i] * v
    }
  }

  private func normalizedPullback(
    _ adjoint: inout MaximizationAdjoint, along g: [Double], to after: MaximizationState
  ) -> [Double] {
    let length = Self.dot(after.m, after.m).squareRoot()
    guard length > 0 else {
      // Nothing moved; the moments were nothing as well.
      return Array(repeating: 0, count: g.count)
    }
    let delta = x.indices.map { Double(x[$0] - start[$0]) + p.rate * after.m[$0] / length }
    let distance = Self.dot(delta, delta).squareRoot()
    let bound = 2 * (p.eta ?? .infinity)
    var moved = adjoint.x
    if distance > bound {
      let along = Self.dot(delta, moved) / (distance * distance)
      moved = moved.indices.map { bound / distance * (moved[$0] - along * delta[$0]) }
      for i in moved.indices { adjoint.start[i] += adjoint.x[i] - moved[i] }
    }
    let along = Self.dot(after.m, moved) / (length * length)
    let m = moved.indices.map {
      adjoint.m[$0] + p.rate / length * (moved[$0] - along * after.m[$0])
    }
    adjoint.x = moved
    adjoint.m = m.map { p.momentum * $0 }
    let norm = Self.dot(g, g).squareRoot()
    guard norm > 0 else { return Array(repeating: 0, count: g.count) }
    let share = Self.dot(g, m) / (norm * norm)
    return g.indices.map { -(m[$0] - share * g[$0]) / norm }
  }

  private func smoothedPullback(
    _ adjoint: inout MaximizationAdjoint, along g: [Double], to after: MaximizationState
  ) -> [Double] {
    let bound = 2 * (p.eta ?? .infinity)
    let mean = after.meanMagnitude
    let scale = (smoothing ?? 0) * mean
    var m = adjoint.m
    var total = 0.0
    for i in g.indices {
      let z = scale > 0 ? tanh(after.m[i] / scale) : 0
      let moved = Double(x[i] - start[i]) + p.rate * z
      guard moved.magnitude <= bound else {
        // Held at the bound, which goes with the start.
        adjoint.start[i] += adjoint.x[i]
        adjoint.x[i] = 0
        continue
      }
      guard scale > 0 else { continue }
      let slope = p.rate * adjoint.x[i] * (1 - z * z) / scale
      m[i] += slope
      total += slope * after.m[i]
    }
    if mean > 0 {
      let share = total / (mean * Double(g.count))
      for i in m.indices { m[i] -= share * (after.m[i] > 0 ? 1 : after.m[i] < 0 ? -1 : 0) }
    }
    adjoint.m = m.map { p.momentum * $0 }
    let norm = g.reduce(0) { $0 + $1.magnitude }
    guard norm > 0 else { return Array(repeating: 0, count: g.count) }
    let share = Self.dot(g, m) / (norm * norm)
    return g.indices.map { -m[$0] / norm + share * (g[$0] > 0 ? 1 : g[$0] < 0 ? -1 : 0) }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
