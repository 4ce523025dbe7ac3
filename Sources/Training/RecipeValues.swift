import Basics

extension KeyedDecodingContainer {
  /// A number, or a text as `8/255`; nil where there is neither.
  func fraction(_ key: Key) throws -> Double? {
    guard contains(key) else { return nil }
    if let value = try? decode(Double.self, forKey: key) { return value }
    let text = try decode(String.self, forKey: key)
    guard let value = Fraction.parse(text) else {
      throw ElbowError(
        .malformed, "'\(key.stringValue)' needs a number or a fraction as 8/255, got '\(text)'")
    }
    return value
  }

  /// One of the values that there are, by its name; nil where there is none.
  func choice<T: RawRepresentable & CaseIterable>(_ key: Key) throws -> T?
  where T.RawValue == String {
    guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
    if let value = T(rawValue: text) { return value }
    let names = T.allCases.map(\.rawValue)
    throw ElbowError(
      .malformed,
      "no \(key.stringValue) '\(text)'; there are \(names.joined(separator: ", "))"
        + didYouMean(text, among: names))
  }
}
