import Foundation

extension Figure.Matrix {
  /// Colours from the lower end of the range to the upper.
  ///
  /// **Source** of `amount`: Nuñez, Anderton & Renslow 2018, *cividis*, PLOS ONE 13:e0199239.
  private var palette: [String] {
    switch colors {
    case .grey: ["#000000", "#ffffff"]
    case .amount:
      [
        "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369",
        "#e1cc55", "#fee838",
      ]
    case .difference: ["#08488a", "#5a9fcd", "#ffffff", "#f0a35e", "#a34700"]
    case .count: ["#ffffff", "#d4e6f3", "#9cc8e2", "#5a9fcd", "#2a74b0", "#08488a"]
    }
  }

  func data(_ name: String) -> [String] {
    ["\(name) << EOD"]
      + values.map { $0.map { Figure.number($0 ?? 0) }.joined(separator: " ") } + ["EOD"]
  }

  func statements(_ name: String, x: String, y: String) -> [String] {
    let (height, width) = (values.count, values.first?.count ?? 0)
    let stops = palette.enumerated().map { "\($0) '\($1)'" }.joined(separator: ", ")
    var lines = [
      "set palette defined (\(stops))",
      "set cbrange [\(Figure.number(range.lowerBound)):\(Figure.number(range.upperBound))]",
      "set xrange [-0.5:\(Double(width) - 0.5)]", "set yrange [\(Double(height) - 0.5):-0.5]",
      "unset grid", "unset logscale", "set border 15 lw 0.7",
    ]
    guard !rows.isEmpty else {
      return lines + [
        "unset xtics", "unset ytics", "unset xlabel", "unset ylabel",
        "plot \(name) matrix with image notitle",
      ]
    }
    func ticks(_ names: [String]) -> String {
      "("
        + names.enumerated().filter { !$1.isEmpty }
        .map { "\(Figure.quoted(tick: $1)) \($0)" }.joined(separator: ", ") + ")"
    }
    lines += [
      "set xtics \(ticks(columns)) rotate by 45 right scale 0", "set ytics \(ticks(rows)) scale 0",
      "set xlabel \(Figure.quoted(x))", "set ylabel \(Figure.quoted(y))",
      "set colorbox", isPicture ? "unset cblabel" : "set cblabel 'images'",
    ]
    if isPicture { return lines + ["plot \(name) matrix with image notitle"] }
    // Numbers are white on the dark half of the scale.
    let middle = (range.lowerBound + range.upperBound) / 2
    let texts = zip(values.indices, values).flatMap { row, cells in
      zip(cells.indices, cells).compactMap { column, value -> String? in
        guard let value else { return nil }
        return
          "set label \(Figure.quoted(String(format: "%.4g", value))) at \(column),\(row) center "
          + "front tc rgb '\(value > middle ? "#ffffff" : "#000000")'"
      }
    }
    return lines + texts + ["plot \(name) matrix with image notitle"]
  }
}
