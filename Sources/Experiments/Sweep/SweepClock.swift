/// How long a sweep takes, as its finished cells correct the estimate.
struct SweepClock {
  private var seconds = 0.0
  private var estimated = 0.0

  /// Takes a finished cell.
  mutating func add(_ seconds: Double, of estimated: Double) {
    self.seconds += seconds
    self.estimated += estimated
  }

  /// Seconds that work takes of which an estimate is known.
  func corrected(_ estimate: Double) -> Double {
    estimate * (seconds > 0 && estimated > 0 ? seconds / estimated : 1)
  }
}
