import Basics
import Records

/// A field of a request as people write it: as a flag, as a line of YAML, as an axis of a sweep.
///
/// Name, usage, help and effect stand here together, and nowhere else.
public struct RequestKey: Sendable {
  /// How its values are written.
  public enum Form: Sendable {
    /// One word.
    case text
    /// `true` or `false`; on a command line its name, or `no-` before it.
    case toggle
    /// Values with commas between are one value.
    case list
    /// One word in which `A..B` is no range of whole numbers.
    case literal
  }

  /// What it is about: headings of help.
  public enum Section: String, CaseIterable, Sendable {
    /// What is classified, and by which network.
    case images = "images and model"
    /// Which losses are taken, and how they are weighed.
    case noise = "noise and losses"
    /// What comes before classification.
    case lm = "likelihood maximization and purification"
    /// What is done to the images.
    case attack = "attack"
    /// Seeds, and what is kept.
    case run = "run"
  }

  /// What a request must have for the key to mean something.
  enum Need: Sendable { case nothing, losses, attack }

  /// As `attack-steps`.
  public let name: String
  /// What stands for its value, as `n|a..b|a,b,c`.
  public let usage: String
  /// One line.
  public let help: String
  /// How its values are written.
  public let form: Form
  /// What it is about.
  public let section: Section
  /// The values that it can have, where they are few; for completion.
  public let choices: [String]
  let need: Need
  let apply: @Sendable (inout RunRequest, RequestText) throws -> Void

  init(
    _ name: String, _ section: Section, usage: String, _ help: String, form: Form = .text,
    choices: [String] = [], need: Need = .nothing,
    _ apply: @escaping @Sendable (inout RunRequest, RequestText) throws -> Void
  ) {
    (self.name, self.section, self.usage, self.help) = (name, section, usage, help)
    (self.form, self.choices, self.need, self.apply) = (form, choices, need, apply)
  }
}

/// The text of a key's value, which becomes a value of another type or an error that names the key.
struct RequestText {
  let key: String
  let text: String

  private func fail(_ needs: String) -> ElbowError {
    ElbowError(.malformed, "`\(key)` needs \(needs), got '\(text)'")
  }

  var toggle: Bool {
    get throws {
      guard text == "true" || text == "false" else {
        throw ElbowError(.malformed, "`\(key)` must be true or false, got '\(text)'")
      }
      return text == "true"
    }
  }

  var integer: Int {
    get throws {
      guard let value = Int(text) else { throw fail("a whole number") }
      return value
    }
  }

  var real: Double {
    get throws {
      guard let value = Double(text) else { throw fail("a number") }
      return value
    }
  }

  /// `8/255` or `0.03`.
  var fraction: Double {
    get throws {
      guard let value = Fraction.parse(text) else { throw fail("a number or a fraction as 8/255") }
      return value
    }
  }

  var seed: UInt64 {
    get throws {
      guard let value = UInt64(text) else { throw fail("a whole number from 0 to \(UInt64.max)") }
      return value
    }
  }

  func numbers(_ separator: Character) throws -> [Double] {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    guard values.count == parts.count else { throw fail("numbers with '\(separator)' between") }
    return values
  }

  func choice<T: RawRepresentable & CaseIterable>(
    _ type: T.Type, or others: [String] = []
  ) throws -> T where T.RawValue == String {
    let names = T.allCases.map(\.rawValue) + others
    guard let value = T(rawValue: text) else {
      throw ElbowError(
        .unknownName,
        "no `\(key)` '\(text)'; there are \(names.joined(separator: ", "))"
          + didYouMean(text, among: names))
    }
    return value
  }
}
