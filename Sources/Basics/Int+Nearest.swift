extension Int {
  /// The whole number that a real one stands for, cut off toward zero; the nearest there is where it
  /// lies outside, 0 where it is not a number: what a file holds may be anything.
  public init(nearest value: Double) {
    self = Int(exactly: value.rounded(.towardZero)) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }
}
