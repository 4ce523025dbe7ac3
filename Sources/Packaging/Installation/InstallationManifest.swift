import Basics
import Foundation

/// What an installation put into a prefix, kept there so that it can be taken out again.
package struct InstallationManifest: Codable, Hashable, Sendable {
  /// Where it lies in the prefix.
  package static let place = "share/elbow/manifest.json"

  /// Version of the program.
  package var version: String
  /// SHA-256 of every file by its path in the prefix.
  package var files: [String: String]
  /// Folders that were made for them, by their paths; the prefix itself is the empty one.
  package var folders: [String]

  /// A list of files and folders.
  package init(version: String, files: [String: String] = [:], folders: [String] = []) {
    (self.version, self.files, self.folders) = (version, files, folders)
  }

  /// The manifest of a prefix; nil where there is none.
  ///
  /// - Throws: `ElbowError` where it cannot be read, or names anything outside the prefix.
  package init?(prefix: String) throws {
    let path = prefix + "/" + Self.place
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw ElbowError(
        .damaged,
        "\(path): is not the list of an installation; remove it and what is left of the "
          + "installation by hand")
    }
    guard (files.keys + folders).allSatisfy(Self.staysInside) else {
      throw ElbowError(.damaged, "\(path): names files outside \(prefix); remove it by hand")
    }
  }

  /// The manifest as it is written.
  ///
  /// - Throws: `EncodingError`.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  private static func staysInside(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
  }
}
