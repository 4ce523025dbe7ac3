import Basics
import Foundation

extension AttackConfiguration {
  /// Fields as they are where the canonical JSON leaves them out: what every attack was before it could
  /// be told. A field that comes later is left out at its neutral value too, so that ids of questions
  /// stay.
  private static let neutral: [String: JSONValue] = [
    "steps": .number(100), "restarts": .number(1), "eot": .number(1), "gradient": .string("bpda"),
  ]

  /// Canonical JSON (RFC 8785), fields at their neutral value left out.
  ///
  /// - Throws: `EncodingError` where a number is not finite.
  public func canonicalJSON() throws -> String {
    guard case .object(var fields) = try JSONValue(encoding: self) else {
      preconditionFailure("an attack is encoded as an object")
    }
    for (name, value) in Self.neutral where fields[name] == value { fields[name] = nil }
    return JSONValue.object(fields).canonical
  }

  /// Reads JSON in which fields at their neutral value may be left out.
  ///
  /// - Throws: `DecodingError`.
  public init(json: String) throws {
    let value = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    guard case .object(let fields) = value else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: [], debugDescription: "an attack is a JSON object"))
    }
    let whole = JSONValue.object(Self.neutral.merging(fields) { _, given in given })
    self = try JSONDecoder().decode(Self.self, from: Data(whole.canonical.utf8))
  }
}
