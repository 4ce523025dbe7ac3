import Foundation

/// Figures as scripts of gnuplot, data included.
extension Figure {
  /// What gnuplot makes of a figure.
  public enum ImageFormat: String, CaseIterable, Sendable {
    /// Files of this ending.
    case svg, png, pdf
  }

  /// Colours that are told apart with any kind of colour vision; grey is what has none.
  ///
  /// **Source** Okabe & Ito 2008, *Color Universal Design*; its yellow is too light for lines.
  static let palette = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f3c8d",
  ]
  static let grey = "#999999"
  /// Filled circle, square, triangle, diamond, … by colour: shapes tell series apart without one.
  static let shapes = [7, 5, 9, 13, 11, 15, 6, 4]

  /// Text width of one character, px.
  private static let characterWidth = 8.0

  /// Sizes, in px from the top left corner.
  private struct Layout {
    var width, height: Double
    /// Height of title and caption.
    var top, bottom: Double
    /// Size of a panel with its margins, and these.
    var cell: (width: Double, height: Double)
    var margin: (left: Double, right: Double, top: Double, bottom: Double)
    var captionLines: [String]
  }

  /// What a legend says of a series: a long name without its middle.
  fileprivate static func legend(_ name: String) -> String {
    name.visibleInASCII.shortened(to: 72, cut: .middle)
  }

  private var layout: Layout {
    var (longest, entries) = (0, 0)
    var isPixels = false
    var (left, axis) = (85.0, 62.0)
    for panel in panels {
      switch panel.content {
      case .series(let series):
        entries = max(entries, series.count { !$0.name.isEmpty })
        longest = max(
          longest,
          series.map { $0.name.isEmpty ? 0 : Self.legend($0.name).cellWidth + 3 }.max() ?? 0)
      case .matrix(let matrix):
        isPixels = matrix.rows.isEmpty
        let names = Double((matrix.rows + matrix.columns).map(\.visible.cellWidth).max() ?? 0)
        left = max(left, 60 + names * Self.characterWidth)
        axis = max(axis, 35 + names * Self.characterWidth)
      }
    }
    let legend = longest == 0 ? 25 : Double(longest) * Self.characterWidth + 55
    // A legend that is longer than the plot would be cut.
    let least = panels.count > 1 ? 360.0 : 480.0
    var cell = (width: left + 520 + legend, height: max(least, Double(entries) * 24 + 60))
    var margin = (left: left, right: legend, top: 30.0, bottom: axis)
    if isPixels {
      // Six px a pixel of 28, so that none is wider than its neighbour.
      (cell, margin) = ((196, 200), (14, 14, 26, 6))
    } else if case .matrix = panels[0].content {
      cell = (left + 560, axis + 500)
      margin.right = 95
    }
    let width = Double(columns) * cell.width
    let lines = caption.flatMap { $0.visible.wrapped(to: Int((width - 30) / 8.8)) }
    let (top, bottom) = (38.0, Double(lines.count) * 18 + 14)
    let rows = (panels.count + columns - 1) / columns
    return Layout(
      width: width, height: top + bottom + Double(rows) * cell.height, top: top, bottom: bottom,
      cell: cell, margin: margin, captionLines: lines)
  }

  /// The script.
  ///
  /// - Parameters:
  ///   - format: what it makes.
  ///   - output: file that it writes; nil: standard output.
  public func gnuplot(_ format: ImageFormat, output: String?) -> String {
    let layout = layout
    let (w, h) = (Int(layout.width), Int(layout.height))
    let terminal =
      switch format {
      case .svg: "svg size \(w),\(h) dynamic font 'sans-serif,13' background '#ffffff'"
      case .png: "pngcairo size \(2 * w),\(2 * h) font 'sans,10' fontscale 2 linewidth 2"
      // 100 px to the inch, which has 72 points.
      case .pdf:
        "pdfcairo size \(Self.number(layout.width / 100))in,\(Self.number(layout.height / 100))in "
          + "font 'sans,10' fontscale 0.72"
      }
    var lines = ["# \(title.visible)", "# Sources: \(sources.joined(separator: " ").visible)"]
    lines += ["set encoding utf8", "set terminal \(terminal) noenhanced"]
    if let output { lines.append("set output \(Self.quoted(path: output))") }
    var statements: [String] = []
    for (index, panel) in panels.enumerated() {
      let parts = panel.gnuplot(index, format)
      lines += parts.data
      statements += place(index, panel, layout)
      if index == panels.count - 1 { statements += scale(layout) }
      statements += parts.statements
    }
    lines += ["set multiplot", "unset key"] + inscriptions(layout, isPixels: format == .png)
    return (lines + statements + ["unset multiplot", "unset output"]).joined(separator: "\n") + "\n"
  }

  /// Title and caption.
  private func inscriptions(_ layout: Layout, isPixels: Bool) -> [String] {
    func y(_ px: Double) -> String { Self.number(1 - px / layout.height) }
    let x = Self.number(15 / layout.width)
    let first = layout.height - layout.bottom + 12
    return [
      "set label 1 \(Self.quoted(title)) at screen \(x),\(y(20)) left font ',15' front"
    ]
      + layout.captionLines.enumerated().map { index, line in
        "set label \(index + 2) \(Self.quoted(line)) at screen \(x),"
          + "\(y(first + 18 * Double(index))) left tc rgb '#444444' front"
      }
  }

  /// The scale of pictures, beside the title.
  private func scale(_ layout: Layout) -> [String] {
    guard case .matrix(let matrix)? = panels.last?.content, matrix.rows.isEmpty else { return [] }
    return [
      "set colorbox horizontal user origin \(Self.number(1 - 300 / layout.width)),"
        + "\(Self.number(1 - 16 / layout.height)) size \(Self.number(270 / layout.width)),"
        + Self.number(9 / layout.height),
      "set cbtics font ',9' offset 0,0.5 scale 0.5",
    ]
  }

  /// Where a panel stands.
  private func place(_ index: Int, _ panel: Panel, _ layout: Layout) -> [String] {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    let x = Double(column) * layout.cell.width
    let y = layout.top + Double(row) * layout.cell.height
    func across(_ px: Double) -> String { Self.number(px / layout.width) }
    func up(_ px: Double) -> String { Self.number(1 - px / layout.height) }
    let right = x + layout.cell.width - layout.margin.right
    var lines = index == 0 ? ["unset colorbox"] : ["unset label"]
    lines += [
      "set lmargin at screen \(across(x + layout.margin.left))",
      "set rmargin at screen \(across(right))",
      "set tmargin at screen \(up(y + layout.margin.top))",
      "set bmargin at screen \(up(y + layout.cell.height - layout.margin.bottom))",
      "set key at screen \(across(right + 12)),\(up(y + layout.margin.top)) left top Left reverse "
        + "samplen 1.5 spacing 1.2",
    ]
    let title = Self.quoted(panel.title)
    lines.append(
      "set label 99 \(title) at screen \(across(x + layout.margin.left)),"
        + "\(up(y + layout.margin.top - 12)) left front")
    return lines
  }
}

extension Figure.Panel {
  /// Data blocks, and the statements that draw them.
  fileprivate func gnuplot(
    _ index: Int, _ format: Figure.ImageFormat
  ) -> (data: [String], statements: [String]) {
    switch content {
    case .series(let series):
      let drawn = series.enumerated().filter { !$1.points.isEmpty }
      return (
        drawn.flatMap { data("$p\(index)_\($0)", $1) },
        axes(series) + [
          "plot "
            + drawn.map { plot("$p\(index)_\($0)", $1, $0) }
            .joined(separator: ", \\\n  ")
        ]
      )
    case .matrix(let matrix):
      return (
        matrix.data("$p\(index)"), matrix.statements("$p\(index)", x: x.label, y: y.label)
      )
    }
  }

  private func axes(_ series: [Figure.Series]) -> [String] {
    let points = series.filter { $0.style != .steps }.flatMap(\.points)
    let across = AxisScale(x, over: points.map(\.x), padding: x.isLogarithmic ? 0.1 : 0.02)
    let up = AxisScale(
      y, over: points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] },
      padding: y.isLogarithmic ? 0.05 : 0.04)
    func ticks(_ axis: Figure.Axis, _ scale: AxisScale) -> String {
      guard axis.isLogarithmic else { return "autofreq" }
      let places = scale.ticks(6).map {
        "\(Figure.quoted(tick: scale.text($0))) \(Figure.number($0))"
      }
      return "(\(places.joined(separator: ", ")))"
    }
    return [
      "set xlabel \(Figure.quoted(x.label)) offset 0,0", "set ylabel \(Figure.quoted(y.label))",
      x.isLogarithmic ? "set logscale x" : "unset logscale x",
      y.isLogarithmic ? "set logscale y" : "unset logscale y",
      "set xrange [\(Figure.number(across.low)):\(Figure.number(across.high))]",
      "set yrange [\(Figure.number(up.low)):\(Figure.number(up.high))]",
      "set xtics \(ticks(x, across)) nomirror", "set ytics \(ticks(y, up)) nomirror",
      "set border 3 lw 0.7", "set grid lt 1 dt 1 lc rgb '#e0e0e0' lw 0.5",
      "set style fill transparent solid 0.2 noborder", "set bars 0.6",
    ]
  }

  private func data(_ name: String, _ series: Figure.Series) -> [String] {
    ["\(name) << EOD"]
      + series.points.map { point in
        [point.x, point.y, point.low ?? point.y, point.high ?? point.y].map(Figure.number)
          .joined(separator: " ")
      } + ["EOD"]
  }

  private func plot(_ name: String, _ series: Figure.Series, _ index: Int) -> String {
    // Where the palette begins anew, lines are dashed.
    let dash = 1 + (series.color ?? 0) / Figure.palette.count
    let color = "lc rgb \(Figure.color(series.color))" + (dash > 1 ? " dt \(dash)" : "")
    let shape = "pt \(Figure.shape(series.color)) ps 1"
    let isBounded = series.points.contains { $0.low != nil }
    let letter = series.mark.map(String.init) ?? ""
    let text = series.style == .points && !series.name.isEmpty ? "\(letter)  " : ""
    let title =
      series.name.isEmpty ? "notitle" : "title \(Figure.quoted(text + Figure.legend(series.name)))"
    switch series.style {
    case .steps: return "\(name) using 1:2 with steps \(color) lw 1.5 \(title)"
    case .line:
      let band = "\(name) using 1:3:4 with filledcurves \(color) notitle"
      // A line of one point is none.
      let form = series.points.count == 1 ? "points \(color) \(shape)" : "lines \(color) lw 1.6"
      let line = "\(name) using 1:2 with \(form) \(title)"
      return isBounded ? "\(band), \\\n  \(line)" : line
    case .joined, .points:
      let line =
        series.style == .joined ? "\(name) using 1:2 with lines \(color) lw 1.2 notitle, " : ""
      let marks =
        isBounded
        ? "\(name) using 1:2:3:4 with yerrorbars \(color) \(shape) lw 1.2 \(title)"
        : "\(name) using 1:2 with points \(color) \(shape) \(title)"
      // The letter stands beside the point, of neighbours on either side.
      let beside =
        letter.isEmpty || series.style == .joined
        ? ""
        : ", \(name) using 1:2:(\(Figure.quoted(letter))) with labels offset \(index % 2 == 0 ? 0.9 : -0.9),0.6 "
          + "tc rgb \(Figure.color(series.color)) notitle"
      return line + marks + beside
    }
  }
}

extension Figure {
  /// gnuplot's SVG with the figure's own title and sources as its description, and sharp pixels.
  public func described(svg: String) -> String {
    let description = (caption + ["Sources: " + sources.joined(separator: " ")])
      .joined(separator: " ")
    return svg.replacing(
      /<title>Gnuplot<\/title>\s*<desc>[^<]*<\/desc>/,
      with:
        "<title>\(TableFormat.html(title))</title>\n<desc>\(TableFormat.html(description))</desc>"
    )
    .replacing(
      " preserveAspectRatio='none'",
      with: " preserveAspectRatio='none' style='image-rendering:pixelated'")
  }
}
