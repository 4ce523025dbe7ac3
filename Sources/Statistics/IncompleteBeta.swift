import Foundation

/// The regularised incomplete beta function.
enum IncompleteBeta {
  /// I_x(a, b), the regularised incomplete beta function, by Lentz's continued fraction.
  ///
  /// **Source** Press et al., *Numerical Recipes*, section 6.4.
  static func value(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast on one side of the mean only.
    guard x < (a + 1) / (a + b + 2) else { return 1 - value(1 - x, b, a) }
    let normaliser: Double = lgamma(a + b) - lgamma(a) - lgamma(b)
    let front: Double = exp(normaliser + a * log(x) + b * log(1 - x))
    func guarded(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / guarded(1 - (a + b) * x / (a + 1))
    var fraction = d
    // The most that it takes with a + b = 10⁶ is 439.
    for m in 1...500 {
      let k = Double(m)
      let place: Double = a + 2 * k
      let even: Double = k * (b - k) * x / ((place - 1) * place)
      let odd: Double = -(a + k) * (a + b + k) * x / (place * (place + 1))
      for term in [even, odd] {
        d = 1 / guarded(1 + term * d)
        c = guarded(1 + term / c)
        fraction *= c * d
      }
      if abs(c * d - 1) < 1e-15 { break }
    }
    return front * fraction / a
  }
}
