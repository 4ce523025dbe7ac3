/// A parameter that one attack has and others have not, as it stands in the table of attacks.
public struct AttackParameter: Hashable, Sendable {
  /// Name in `AttackConfiguration.parameters`.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// Value where none is given.
  public let usual: Double
  /// Values allowed.
  public let range: ClosedRange<Double>
  /// Whether only whole numbers are.
  public let isWhole: Bool

  init(
    _ name: String, _ summary: String, usual: Double, in range: ClosedRange<Double>,
    isWhole: Bool = false
  ) {
    (self.name, self.summary, self.usual, self.range) = (name, summary, usual, range)
    self.isWhole = isWhole
  }

  /// Whether `value` may be given.
  func allows(_ value: Double) -> Bool {
    range.contains(value) && (!isWhole || value == value.rounded())
  }
}
