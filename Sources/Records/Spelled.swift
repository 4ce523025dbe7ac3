/// A value that is written as one word, and stored as that word.
public protocol Spelled: Codable {
  /// The word, canonical: equal values have one.
  var spelling: String { get }

  /// Reads a word.
  ///
  /// - Throws: `ElbowError` where it is not of the form.
  init(_ text: String) throws
}

extension Spelled {
  public init(from decoder: any Decoder) throws {
    try self.init(try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(spelling)
  }
}
