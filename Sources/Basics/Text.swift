import Foundation

extension String {
  /// Without white space at its ends.
  package var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }

  /// As a shell takes it for one word: quoted, unless nothing in it means anything to one.
  package var shellWord: String {
    let isPlain =
      !isEmpty && first != "~"
      && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "@~/._-:,=+".contains($0)) }
    return isPlain ? self : "'\(replacing("'", with: "'\\''"))'"
  }
}
