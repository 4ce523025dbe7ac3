import Foundation

/// Texts, numbers, colours and shapes in gnuplot's language.
extension Figure {
  /// A text between single quotes, where nothing but the quote itself has a meaning; where it holds
  /// one, between double quotes, since gnuplot 5.4 loses count of several in a row.
  static func quoted(_ text: String) -> String {
    // Fonts lack the signs for controls.
    let text = text.visibleInASCII
    return text.unicodeScalars.contains("'") ? doubleQuoted(text) : "'\(text)'"
  }

  /// A text between double quotes, what has a meaning there in octal.
  private static func doubleQuoted(_ text: String) -> String {
    let escaped = text.replacingScalars { scalar in
      scalar.value < 0x20 || scalar.value == 0x7F || "\\\"`".unicodeScalars.contains(scalar)
        ? String(format: "\\%03o", scalar.value) : nil
    }
    return "\"\(escaped)\""
  }

  /// The same for the mark of an axis, in which a percent sign would begin a number's format.
  static func quoted(tick text: String) -> String {
    quoted(text.replacingScalars { $0 == "%" ? "%%" : nil })
  }

  /// A file's name, exactly.
  static func quoted(path: String) -> String {
    path.isPlain ? quoted(path) : doubleQuoted(path)
  }

  /// A number to six digits.
  static func number(_ value: Double) -> String {
    value.isFinite ? String(format: "%.6g", value) : "NaN"
  }

  static func color(_ index: Int?) -> String {
    quoted(index.map { palette[$0 % palette.count] } ?? grey)
  }

  static func shape(_ index: Int?) -> Int {
    index.map { shapes[($0 + $0 / shapes.count) % shapes.count] } ?? 6
  }
}
