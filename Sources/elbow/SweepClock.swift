/// How long a sweep takes, as its finished cells correct the estimate.
struct SweepClock {
  private var seconds = 0.0
  private var estimated = 0.0

  /// Takes a finished cell.
  mutating func add(_ seconds: Double, of estimated: Double) {
    self.seconds += seconds
    self.estimated += estimated
  }

  /// From the seconds left of one cell to what is left of all, for its progress line.
  ///
  /// - Parameter later: estimated for the cells after it.
  func remark(later: Double) -> @Sendable (_ left: Double) -> String {
    let rest = later * (seconds > 0 && estimated > 0 ? seconds / estimated : 1)
    return { left in "  sweep: \(Progress.clock(left + rest)) left" }
  }
}
