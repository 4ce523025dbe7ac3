import Records

extension LikelihoodMaximization {
  /// The published parameters of a variant; what was never published is said beside it.
  ///
  /// - Parameter grid: the classifier's noise levels: `paper` and `l2` draw from their range.
  ///
  /// **Source** arXiv 2305.15241 and its released code.
  public static func defaults(_ variant: Variant, grid: NoiseGrid) -> Self {
    let (lo, hi) = (grid.levels[0].sigma, grid.levels[grid.count - 1].sigma)
    switch variant {
    case .paper:
      return Self(
        variant: .paper, steps: 5, rate: 0.1, sigmaLow: exact(lo), sigmaHigh: exact(hi),
        eta: 8.0 / 255, momentum: 1)
    case .released:
      return Self(
        variant: .released, steps: 5, rate: 0.1, sigmaLow: 0.4, sigmaHigh: 0.6, eta: nil,
        momentum: 0.9)
    case .l2:
      // η is ours: the usual ℓ2 budget.
      return Self(
        variant: .l2, steps: 5, rate: 2 * 0.5 / 5, sigmaLow: exact(lo), sigmaHigh: exact(hi),
        eta: 0.5, momentum: 1)
    }
  }

  /// The shortest decimal of a Float.
  private static func exact(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

  /// What is wrong with the parameters, nil where nothing is.
  var problem: String? {
    if !(1...10_000).contains(steps) { return "`lm-steps` must be 1 to 10000, got \(steps)" }
    // Beyond this no image in [−1, 1] units is left.
    let lengths = Double.leastNormalMagnitude...1e6
    if !lengths.contains(rate) { return "`lm-rate` must be positive, at most 1e6, got \(rate)" }
    if !(sigmaLow <= sigmaHigh && [sigmaLow, sigmaHigh].allSatisfy(NoiseGrid.sigmas.contains)) {
      return "`lm-sigma` needs \(NoiseGrid.sigmas.lowerBound) ≤ LOW ≤ HIGH ≤ "
        + "\(NoiseGrid.sigmas.upperBound), got \(sigmaLow):\(sigmaHigh)"
    }
    if let eta, !lengths.contains(eta) {
      return "`eta` must be positive, at most 1e6, got \(eta)"
    }
    if variant == .released, eta != nil {
      return "`eta` has no part in `lm` released, which bounds nothing; leave it out"
    }
    if variant != .released, eta == nil { return "`lm` \(variant.rawValue) needs `eta`" }
    return nil
  }
}
