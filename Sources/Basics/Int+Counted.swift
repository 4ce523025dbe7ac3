extension Int {
  /// The number with what is counted, in the singular where it is one: `1 step`, `20 steps`, `2 classes`.
  ///
  /// - Parameter noun: what is counted, in the singular.
  public func counted(_ noun: String) -> String {
    if self == 1 { return "1 \(noun)" }
    if noun.hasSuffix("y") { return "\(self) \(noun.dropLast())ies" }
    return "\(self) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
  }
}
