/// Numbers as people write them: `8/255` or `0.03`.
package enum Fraction {
  /// The value of `text`, nil where it is neither.
  package static func parse(_ text: String) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
    if parts.count == 1 { return parts[0] }
    guard parts.count == 2, let a = parts[0], let b = parts[1], b != 0 else { return nil }
    return a / b
  }
}
