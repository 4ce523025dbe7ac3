import Basics
import Reporting

/// Markup in which texts are escaped by construction.
///
/// What stands in a literal is markup; a text that is interpolated is escaped, so that no name, note
/// or error of somebody else can become markup. There is no other way to make one.
///
/// ```swift
/// let row: HTML = "<td title=\"\(run.id)\">\(run.name)</td>"
/// ```
package struct HTML: Sendable, Hashable {
  /// The markup.
  package private(set) var markup = ""

  /// Nothing.
  package static let empty: HTML = ""

  /// Pieces one after another.
  package init(_ pieces: some Sequence<HTML>) {
    for piece in pieces { markup += piece.markup }
  }

  /// Two pieces one after another.
  package static func + (a: HTML, b: HTML) -> HTML { [a, b].joined }

  /// Another piece at the end.
  package static func += (a: inout HTML, b: HTML) { a.markup += b.markup }
}

extension HTML: ExpressibleByStringInterpolation {
  /// What a literal is made of: its own text is markup, what is interpolated is not.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      markup.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) { markup += literal }
    /// A text, escaped; what a reader would not see is shown as a sign.
    package mutating func appendInterpolation(_ text: String) {
      markup += TableFormat.html(text)
    }
    /// A text, escaped.
    package mutating func appendInterpolation(_ text: Substring) {
      appendInterpolation(String(text))
    }
    /// A number.
    package mutating func appendInterpolation(_ number: Int) { markup += "\(number)" }
    /// Markup as it is.
    package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
    /// Markup as it is; nothing for nil.
    package mutating func appendInterpolation(_ html: HTML?) { markup += html?.markup ?? "" }
    /// Pieces one after another.
    package mutating func appendInterpolation(_ pieces: [HTML]) {
      for piece in pieces { markup += piece.markup }
    }
  }

  package init(stringLiteral value: String) { markup = value }
  package init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }
}

extension Sequence<HTML> {
  /// One after another.
  var joined: HTML { HTML(self) }
}
