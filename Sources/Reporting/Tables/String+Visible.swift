extension Unicode.Scalar {
  /// Whether a reader would not see it, or see others in its place: controls of either set, line and
  /// paragraph separators, direction marks and overrides, other formats without a shape, and what
  /// XML does not allow.
  var isUnseen: Bool {
    switch value {
    case 0x20..<0x7F: return false
    case ..<0xA0: return true
    // Joiners shape Persian words and families of emoji.
    case 0x200C, 0x200D: return false
    // Signs that stand above or around Arabic, Syriac and Kaithi numbers.
    case 0x600...0x605, 0x6DD, 0x70F, 0x890...0x891, 0x8E2, 0x110BD, 0x110CD: return false
    case 0xFDD0...0xFDEF: return true
    default: break
    }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
    default: return value & 0xFFFE == 0xFFFE
    }
  }

  /// In ASCII, as `\u{202E}`.
  var escape: String { "\\u{" + String(value, radix: 16, uppercase: true) + "}" }
}

extension String {
  /// With a sign in place of everything that a reader would not see, or that would move the cursor,
  /// change a terminal's state or turn the direction of reading: `␛` for ESC, `␊` for a line feed,
  /// `\u{202E}` for a right-to-left override.
  ///
  /// **Edge cases** Joiners stay, without which words and emoji fall apart. Signs stand for others in
  /// the text to read only: data keep what they were.
  public var visible: String {
    isPlain
      ? self
      : replacingScalars { scalar in
        guard scalar.isUnseen else { return nil }
        switch scalar.value {
        case ..<0x20: return Unicode.Scalar(0x2400 + scalar.value).map { String($0) }
        case 0x7F: return "\u{2421}"
        default: return scalar.escape
        }
      }
  }

  /// The same in ASCII, for formats whose fonts lack the signs: `\n`, `\t`, `\u{1B}`.
  var visibleInASCII: String {
    replacingScalars { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\t": "\\t"
      default: scalar.isUnseen ? scalar.escape : nil
      }
    }
  }

  /// With other texts for some of its scalars.
  ///
  /// Characters will not do where escaping is at stake: a quotation mark with an accent is another
  /// character, and still a quotation mark to whoever parses it.
  ///
  /// - Parameter replacement: nil: the scalar itself.
  func replacingScalars(_ replacement: (Unicode.Scalar) -> String?) -> String {
    var text = ""
    text.unicodeScalars.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      if let other = replacement(scalar) {
        text.unicodeScalars.append(contentsOf: other.unicodeScalars)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// Whether each byte is a character that is seen, or a space.
  var isPlain: Bool { utf8.allSatisfy { (0x20..<0x7F).contains($0) } }
}
