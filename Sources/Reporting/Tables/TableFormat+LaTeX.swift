import Basics
import Foundation
import Records

/// Tables as fragments for `\input`, in the style of the package booktabs.
extension TableFormat {
  /// Text as LaTeX sets it in any font encoding; what has a meaning to LaTeX is escaped.
  public static func latex(_ text: String) -> String {
    var before: Unicode.Scalar?
    return text.visible.replacingScalars { scalar in
      defer { before = scalar }
      // The signs that `visible` shows are in no common font; they are pictures of these names.
      if let name = controls[scalar] { return "\\textsc{\(name)}" }
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
    text.map { " % \($0.visible)" } ?? ""
  }

  /// Names of the controls by the signs for them, U+2400 to U+2421.
  private static let controls: [Unicode.Scalar: String] = {
    let names =
      "nul soh stx etx eot enq ack bel bs ht lf vt ff cr so si dle dc1 dc2 dc3 dc4 nak syn etb can em "
      + "sub esc fs gs rs us sp del"
    let pairs = names.split(separator: " ").enumerated().compactMap { index, name in
      Unicode.Scalar(0x2400 + index).map { ($0, String(name)) }
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }()

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
