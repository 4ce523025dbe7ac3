import Foundation
import Reporting

/// A figure as SVG in the page's own colours.
///
/// Marks that lead somewhere are links, and say what they are where the pointer or the focus rests on
/// them.
struct Chart {
  /// Where a mark leads, and what it says.
  struct Target {
    var address: String
    var text: String
  }

  /// What is drawn.
  var figure: Figure
  /// Targets of points, by panel, series and point; none where nothing is given.
  var targets: (_ panel: Int, _ series: Int, _ point: Int) -> Target? = { _, _, _ in nil }
  /// So many marks of a series are all drawn; of more, one in each place.
  static let many = 400
  /// Most names in a legend; more say nothing.
  var namesAtMost = 12

  /// Units of the drawing.
  static let width = 620.0, height = 360.0
  static let left = 74.0, right = 16.0, top = 14.0, bottom = 46.0
  /// Colours that the style sheet has.
  static let colors = 10

  /// The figure with its title, legends and caption.
  var html: HTML {
    let panels = figure.panels.indices.map { index -> HTML in
      let panel = figure.panels[index]
      let title: HTML? = panel.title.isEmpty ? nil : "<p class=\"panel\">\(panel.title)</p>"
      switch panel.content {
      case .series(let series):
        return """
          <div>\(title)<div class="drawing" tabindex="0" role="region" aria-label="\(panel.title.isEmpty ? figure.title : panel.title)">\(drawing(panel, series, index))</div>\(legend(series))</div>
          """
      case .matrix(let matrix): return "<div>\(title)\(Self.table(matrix))</div>"
      }
    }
    let caption = HTML(figure.caption.map { "\($0) " })
    let kind: HTML = panels.count > 1 ? " class=\"several\"" : ""
    return """
      <figure\(kind)>
      <div class="panels">\(panels)</div>
      <figcaption><b>\(figure.title).</b> \(caption)</figcaption>
      </figure>

      """
  }

  // MARK: Points and lines

  private func drawing(_ panel: Figure.Panel, _ series: [Figure.Series], _ index: Int) -> HTML {
    let points = series.flatMap(\.points)
    let x = AxisScale(panel.x, over: points.map(\.x), padding: 0.04)
    let y = AxisScale(
      panel.y, over: points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] }, padding: 0.04)
    let place = Place(x: x, y: y)
    let shapes = series.enumerated().map { number, one in
      shape(one, place) { point in targets(index, number, point) }
    }
    return """
      <svg class="chart" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(Self.height))" role="group" \
      aria-label="\(panel.title.isEmpty ? figure.title : panel.title)">
      \(axes(panel, place))
      \(shapes)
      </svg>
      """
  }

  /// Where values lie in the drawing.
  struct Place {
    let x, y: AxisScale

    func x(_ value: Double) -> Double {
      Chart.left + x.position(value) * (Chart.width - Chart.left - Chart.right)
    }
    func y(_ value: Double) -> Double {
      let height = Chart.height - Chart.top - Chart.bottom
      return Chart.top + (1 - min(max(y.position(value), -0.1), 1.1)) * height
    }
  }

  private func axes(_ panel: Figure.Panel, _ place: Place) -> HTML {
    let (right, bottom) = (Self.width - Self.right, Self.height - Self.bottom)
    let rows = place.y.ticks(6).map { tick -> HTML in
      let y = Self.text(place.y(tick))
      return """
        <path class="grid" d="M\(Self.text(Self.left)) \(y)H\(Self.text(right))"/>\
        <text class="tick end" x="\(Self.text(Self.left - 8))" y="\(y)" dy=".32em">\
        \(Self.tick(tick, place.y))</text>

        """
    }
    let columns = Self.apart(place.x.ticks(8), place).map { tick -> HTML in
      let x = Self.text(place.x(tick))
      return """
        <path class="grid" d="M\(x) \(Self.text(bottom))v5"/>\
        <text class="tick middle" x="\(x)" y="\(Self.text(bottom + 18))">\
        \(Self.tick(tick, place.x))</text>

        """
    }
    return """
      \(rows)\(columns)<path class="axis" d="M\(Self.text(Self.left)) \(Self.text(bottom))H\(Self.text(right))"/>
      <text class="label middle" x="\(Self.text((Self.left + right) / 2))" y="\(Self.text(Self.height - 8))">\
      \(panel.x.label)</text>
      <text class="label middle" transform="translate(13 \(Self.text((Self.top + bottom) / 2))) rotate(-90)">\
      \(panel.y.label)</text>
      """
  }

  /// A tick's text; percentages are whole.
  private static func tick(_ value: Double, _ scale: AxisScale) -> String {
    scale.text(value).trimmingCharacters(in: .whitespaces).replacing(".0 %", with: " %")
  }

  /// Ticks whose texts do not touch.
  private static func apart(_ ticks: [Double], _ place: Place) -> [Double] {
    ticks.reduce(into: [Double]()) { kept, tick in
      if kept.last.map({ place.x(tick) - place.x($0) >= 34 }) ?? true { kept.append(tick) }
    }
  }

  private func shape(
    _ series: Figure.Series, _ place: Place, target: (Int) -> Target?
  ) -> HTML {
    let color = Self.color(series)
    let points = series.points.filter { place.x.position($0.x).isFinite && $0.y.isFinite }
    var html: HTML = ""
    if series.style != .points, points.count > 1 {
      html += "<path class=\"line \(color)\" d=\"\(Self.path(points, series.style, place))\"/>\n"
    }
    if series.style == .line, points.contains(where: { $0.low != nil }) {
      let known = points.filter { $0.low?.isFinite ?? true && $0.high?.isFinite ?? true }
      let upper = known.map { ($0.x, $0.high ?? $0.y) }
      let lower = known.reversed().map { ($0.x, $0.low ?? $0.y) }
      let outline = (upper + lower).map {
        "\(Self.text(place.x($0.0))) \(Self.text(place.y($0.1)))"
      }
      html += "<path class=\"band \(color)\" d=\"M\(outline.joined(separator: "L"))Z\"/>\n"
    }
    guard series.style == .points || series.style == .joined else { return html }
    var taken: Set<SIMD2<Int>> = []
    for (index, point) in series.points.enumerated() where point.y.isFinite {
      let (atX, atY) = (place.x(point.x), place.y(point.y))
      let (x, y) = (Self.text(atX), Self.text(atY))
      guard series.points.count <= Self.many || taken.insert(Self.spot(atX, atY)).inserted else {
        continue
      }
      var mark: HTML = ""
      if let low = point.low, let high = point.high {
        mark +=
          "<path class=\"whisker\" d=\"M\(x) \(Self.text(place.y(low)))V\(Self.text(place.y(high)))\"/>"
      }
      mark += "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"4.5\"/>"
      if let target = target(index) {
        html += """
          <a href="\(target.address)" class="mark \(color)" aria-label="\(target.text)">\
          <title>\(target.text)</title>\(mark)</a>

          """
      } else {
        html += "<g class=\"mark \(color)\"><title>\(series.name)</title>\(mark)</g>\n"
      }
    }
    return html
  }

  /// Where marks hide one another: squares of four units, less than a mark's radius.
  private static func spot(_ x: Double, _ y: Double) -> SIMD2<Int> {
    guard x.isFinite, y.isFinite else { return .zero }
    return SIMD2(Int(x / 4), Int(y / 4))
  }

  private static func path(
    _ points: [Figure.Point], _ style: Figure.Series.Style, _ place: Place
  ) -> String {
    var path = ""
    for (index, point) in points.enumerated() {
      let (x, y) = (text(place.x(point.x)), text(place.y(point.y)))
      path += index == 0 ? "M\(x) \(y)" : style == .steps ? "H\(x)V\(y)" : "L\(x) \(y)"
    }
    return path
  }

  private static func color(_ series: Figure.Series) -> String {
    series.color.map { "c\($0 % colors)" } ?? "grey"
  }

  private func legend(_ series: [Figure.Series]) -> HTML {
    let named = series.filter { !$0.name.isEmpty }
    guard !named.isEmpty, named.count <= namesAtMost else { return "" }
    let names = named.map { one -> HTML in
      "<li><svg width=\"12\" height=\"12\" aria-hidden=\"true\"><circle class=\"mark \(Self.color(one))\" cx=\"6\" cy=\"6\" r=\"5\"/></svg> \(one.name)</li>"
    }
    return "<ul class=\"legend\">\(names)</ul>"
  }

  // MARK: Matrices

  /// Counts, darker where there are more.
  private static func table(_ matrix: Figure.Matrix) -> HTML {
    let heads = matrix.columns.map { name -> HTML in "<th scope=\"col\"><span>\(name)</span></th>" }
    let most = max(matrix.range.upperBound, 1)
    let rows = zip(matrix.rows, matrix.values).enumerated().map { row, pair -> HTML in
      let cells = pair.1.enumerated().map { column, value -> HTML in
        guard let value, value > 0 else { return "<td></td>" }
        let shade = min(9, 1 + Int(8 * (value / most).squareRoot()))
        let kind = row == column ? "right" : "wrong"
        return "<td class=\"\(kind) s\(shade)\">\(Int(value))</td>"
      }
      return "<tr><th scope=\"row\">\(pair.0)</th>\(cells)</tr>\n"
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="Confusion"><table class="confusion">
      <thead><tr><td>true ↓ predicted →</td>\(heads)</tr></thead>
      <tbody>
      \(rows)</tbody></table></div>
      """
  }

  /// A length in the drawing.
  static func text(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
