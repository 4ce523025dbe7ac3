import Basics
import Foundation
import Records

/// Tables as fragments for `\input`, in the style of the package booktabs.
extension TableFormat {
  /// Text as LaTeX sets it in any font encoding; what has a meaning to LaTeX is escaped.
  public static func latex(_ text: String) -> String {
    var before: Unicode.Scalar?
    return text.visibleInASCII.replacingScalars { scalar in
      defer { before = scalar }
      // Two hyphens would be a dash.
      return scalar == "-" && before == "-" ? "{}-" : latexSymbols[scalar]
    }
  }

  /// A cell: numbers in mathematics where they have a sign or an exponent.
  static func latex(_ cell: Cell) -> String {
    guard let number = cell.number else { return latex(cell.reading(short: false)) }
    guard number.isFinite else {
      return number.isNaN ? "NaN" : number > 0 ? "$\\infty$" : "$-\\infty$"
    }
    let text = cell.text(null: "")
    let parts = text.split(separator: "e")
    guard parts.count == 2 else { return text.hasPrefix("-") ? "$\(text)$" : text }
    let power = parts[1].hasPrefix("+") ? parts[1].dropFirst() : parts[1]
    let factor =
      switch parts[0] {
      case "1": ""
      case "-1": "-"
      default: "\(parts[0]) \\times "
      }
    return "$\(factor)10^{\(power)}$"
  }

  /// A comment to the end of the line.
  static func latexComment(_ text: String?) -> String {
    text.map { " % \($0.visibleInASCII)" } ?? ""
  }

  private static let latexSymbols: [Unicode.Scalar: String] = [
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_", "{": "\\{", "}": "\\}",
    // The old font encoding has other signs in these places.
    "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "\"": "\\textquotedbl{}",
    "`": "\\textasciigrave{}",
    "–": "--", "—": "---", "…": "\\ldots{}", "·": "$\\cdot$", "×": "$\\times$", "−": "$-$",
    "±": "$\\pm$", "≤": "$\\leq$", "≥": "$\\geq$", "∞": "$\\infty$", "ℓ": "$\\ell$",
    "ε": "$\\varepsilon$", "η": "$\\eta$", "σ": "$\\sigma$", "δ": "$\\delta$", "τ": "$\\tau$",
    "₂": "$_2$", "²": "$^2$", "∂": "$\\partial$",
  ]
}
