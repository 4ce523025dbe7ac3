import GRDB

/// Values of a row whose types nobody vouches for: GRDB's own subscripts end the program where a value
/// is not of the type that is asked for.
extension Row {
  /// The text in a column; nil where it holds none.
  func text(_ column: String) -> String? {
    guard case .string(let text)? = (self[column] as DatabaseValue?)?.storage else { return nil }
    return text
  }

  /// The whole number in a column; nil where it holds none.
  func integer(_ column: String) -> Int64? {
    guard case .int64(let number)? = (self[column] as DatabaseValue?)?.storage else { return nil }
    return number
  }
}
