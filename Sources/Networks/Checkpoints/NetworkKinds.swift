import Foundation

/// The kinds of networks that checkpoints hold.
enum NetworkKinds {
  static let all: [any NetworkArchitecture.Type] = [UNetArchitecture.self, ResNetArchitecture.self]

  /// Reads the architecture of whichever kind `json` names; without a name it is an EDM U-Net.
  ///
  /// - Throws: `DecodingError`.
  static func decode(_ json: Data) throws -> any NetworkArchitecture {
    let decoder = JSONDecoder()
    let kind = try decoder.decode(Kind.self, from: json).kind ?? UNetArchitecture.kind
    guard let type = all.first(where: { $0.kind == kind }) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: [],
          debugDescription: "architecture kind '\(kind)' is unknown, expected "
            + all.map { "'\($0.kind)'" }.joined(separator: " or ")))
    }
    return try decoder.decode(type, from: json)
  }

  private struct Kind: Decodable {
    var kind: String?
  }
}
