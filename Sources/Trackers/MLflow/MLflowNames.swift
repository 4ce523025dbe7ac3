import Basics
import Foundation

/// Names as MLflow takes them, no two of Elbow's becoming one.
///
/// **Source** MLflow's `utils/validation.py`: letters, digits, `_ - . : /` and spaces, 250 at most, and
/// no name that means another as a path.
struct MLflowNames {
  /// Characters of a name.
  static let longest = 250
  /// Characters of a parameter's value.
  static let longestParameter = 6000
  /// Characters of a tag's value.
  static let longestTag = 8000

  private var known: [String: String] = [:]
  private var taken: Set<String> = []

  /// The name that stands for one of Elbow's.
  mutating func callAsFunction(_ name: String) -> String {
    if let known = known[name] { return known }
    var clean = Self.cleaned(name)
    while !taken.insert(clean).inserted { clean = String(clean.prefix(Self.longest - 2)) + "_2" }
    known[name] = clean
    return clean
  }

  /// Names that became others, with those.
  var changed: [(from: String, to: String)] {
    known.filter { $0.key != $0.value }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// A name without what MLflow forbids.
  static func cleaned(_ name: String) -> String {
    let allowed = name.unicodeScalars.map { scalar -> Character in
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
        .decimalNumber, .letterNumber, .otherNumber:
        Character(scalar)
      default: "_-.: /".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
      }
    }
    let parts = String(allowed).split(separator: "/", omittingEmptySubsequences: false)
      .map { ["", ".", ".."].contains($0) ? "_" : $0 }
    return String(parts.joined(separator: "/").prefix(longest))
  }
}
