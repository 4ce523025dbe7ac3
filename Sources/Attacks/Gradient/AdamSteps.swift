import Foundation

/// Adam on a vector of Doubles, β = (0.9, 0.999), ε = 1e-8.
///
/// **Source** Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1.
struct AdamSteps {
  private let rate: Double
  private var m: [Double]
  private var v: [Double]
  private var steps = 0.0

  init(rate: Double, count: Int) {
    self.rate = rate
    m = Array(repeating: 0, count: count)
    v = m
  }

  mutating func descend(_ x: inout [Double], along gradient: [Double]) {
    steps += 1
    let (c1, c2) = (1 - pow(0.9, steps), 1 - pow(0.999, steps))
    for i in x.indices {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i]
      v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i]
      x[i] -= rate * (m[i] / c1) / ((v[i] / c2).squareRoot() + 1e-8)
    }
  }
}
