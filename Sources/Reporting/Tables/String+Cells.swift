extension String {
  /// Cells of a terminal that the text takes: 2 for wide East Asian characters and emoji, 0 for
  /// combining marks, else 1.
  ///
  /// **Edge cases** Of text that is `visible`; controls have no width to speak of. Characters that
  /// Unicode calls ambiguous count 1, as they do outside East Asian locales.
  ///
  /// **Source** Unicode Standard Annex 11, *East Asian Width*; Technical Standard 51, *Emoji*.
  public var cellWidth: Int { isPlain ? utf8.count : reduce(0) { $0 + $1.cellWidth } }

  /// Where a text that is too long is cut.
  public enum Cut: Hashable, Sendable {
    /// At its end.
    case end
    /// In its middle, for what is told apart by its end: ids, paths, strategies.
    case middle
  }

  /// In at most `width` cells, with an ellipsis for what is left out.
  public func shortened(to width: Int, cut: Cut = .end) -> String {
    guard cellWidth > width else { return self }
    guard width > 1 else { return width == 1 ? "…" : "" }
    let room = width - 1
    let head = cut == .end ? room : (room + 1) / 2
    let start = beginning(of: head).trimmingTrailingSpaces
    return start + "…" + String(Self.fitting(reversed(), room - head).reversed())
  }

  /// The first characters that fit `width` cells.
  func beginning(of width: Int) -> String { Self.fitting(self, width) }

  private static func fitting(_ characters: some Sequence<Character>, _ width: Int) -> String {
    var (text, taken) = ("", 0)
    for character in characters {
      taken += character.cellWidth
      guard taken <= width else { break }
      text.append(character)
    }
    return text
  }

  /// With spaces behind it, or before it, up to `width` cells.
  func padded(to width: Int, right: Bool = false) -> String {
    let padding = String(repeating: " ", count: max(0, width - cellWidth))
    return right ? padding + self : self + padding
  }

  /// In lines of at most `width` cells, broken at spaces, and within a word that is longer: behind a
  /// comma where it has one, as JSON has.
  ///
  /// - Parameter width: 2 where it is less, which a wide character needs.
  public func wrapped(to width: Int) -> [String] {
    let width = max(width, 2)
    var lines = [""]
    for word in split(separator: " ") {
      var word = String(word)
      let last = lines[lines.count - 1]
      if !last.isEmpty, last.cellWidth + 1 + word.cellWidth <= width {
        lines[lines.count - 1] += " " + word
        continue
      }
      if !last.isEmpty { lines.append("") }
      while word.cellWidth > width {
        let most = word.beginning(of: width)
        let part = most.lastIndex(of: ",").map { String(most[...$0]) } ?? most
        lines[lines.count - 1] = part
        lines.append("")
        word.removeFirst(part.count)
      }
      lines[lines.count - 1] = word
    }
    return lines
  }
}

extension Character {
  /// Cells of a terminal.
  var cellWidth: Int {
    var (width, isEmoji) = (0, false)
    for scalar in unicodeScalars {
      isEmoji = isEmoji || scalar.properties.isEmojiPresentation || scalar == "\u{FE0F}"
      width += scalar.cellWidth
    }
    return isEmoji ? 2 : width
  }
}

extension Unicode.Scalar {
  /// Cells on its own.
  fileprivate var cellWidth: Int {
    if value < 0x300 { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch value {
    // Vowels and finals of Hangul stand within the block of their initial.
    case 0x1160...0x11FF, 0xD7B0...0xD7FF: return 0
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0xA4CF,
      0xA960...0xA97F, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0xFE10...0xFE1F, 0xFE30...0xFE6F,
      0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
