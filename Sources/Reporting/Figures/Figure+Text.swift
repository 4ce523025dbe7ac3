import Basics
import Foundation

/// Figures in characters.
extension Figure {
  /// The figure, one string a line.
  ///
  /// - Parameter width: cells to fit into, ≥ 30.
  public func text(width: Int = 80) -> [String] {
    var lines = title.visible.wrapped(to: width) + [""]
    var pictures: [[String]] = []
    func flush() {
      lines += Self.sideBySide(pictures, width)
      pictures = []
    }
    for panel in panels {
      switch panel.content {
      case .series(let series):
        flush()
        if !panel.title.isEmpty { lines += panel.title.visible.wrapped(to: width) + [""] }
        lines += panel.lines(series, width: max(20, min(width, 100) - 10), height: 15)
        lines += [""]
        lines += panel.legend(series, width: width - 8).map { "        " + $0 } + [""]
      case .matrix(let matrix) where matrix.isPicture:
        let axes = [panel.x, panel.y].map(\.label.visible).filter { !$0.isEmpty }
        pictures.append(
          [panel.title.visible] + matrix.shades
            + zip(["→ ", "↑ "], axes).map { $0 + $1 })
      case .matrix(let matrix):
        flush()
        if !panel.title.isEmpty { lines += panel.title.visible.wrapped(to: width) + [""] }
        lines += matrix.cells(rows: panel.y.label, columns: panel.x.label, width: width) + [""]
      }
    }
    flush()
    if case .matrix(let last)? = panels.last?.content, last.isPicture {
      lines.append(last.shadesLegend)
    }
    return lines + caption.flatMap { $0.visible.wrapped(to: width) }
  }

  /// Blocks of lines in rows that fit `width`.
  private static func sideBySide(_ blocks: [[String]], _ width: Int) -> [String] {
    guard let first = blocks.first else { return [] }
    let column = (first.map(\.cellWidth).max() ?? 0) + 2
    let perRow = max(1, width / column)
    return stride(from: 0, to: blocks.count, by: perRow).flatMap { start -> [String] in
      let row = blocks[start..<min(start + perRow, blocks.count)]
      let height = row.map(\.count).max() ?? 0
      return (0..<height).map { y in
        row.map { block in
          (y < block.count ? block[y] : "").shortened(to: column - 1).padded(to: column)
        }
        .joined().trimmingTrailingSpaces
      } + [""]
    }
  }
}

extension Figure.Panel {
  /// The letter of a series in text.
  static func mark(_ series: Figure.Series, _ index: Int) -> Character {
    series.mark ?? Character(UnicodeScalar(UInt8(97 + index % 26)))
  }

  /// What each letter stands for; of long names the ends are seen, with the run at the end of them.
  func legend(_ series: [Figure.Series], width: Int) -> [String] {
    series.enumerated().filter { !$1.name.isEmpty && $1.style != .steps }
      .map { "\(Self.mark($1, $0))  \($1.name.visible)".shortened(to: width, cut: .middle) }
  }

  /// Axes and marks, `width` × `height` characters and nine more for the axis on the left.
  func lines(_ series: [Figure.Series], width: Int, height: Int) -> [String] {
    precondition(width >= 20 && height >= 5, "a plot needs 20 × 5 characters")
    let drawn = series.enumerated().filter { $1.style != .steps }
    let points = drawn.flatMap(\.element.points)
    guard !points.isEmpty else { return [] }
    let vertical = AxisScale(
      y, over: points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] },
      padding: y.isLogarithmic ? 0.05 : 0.02)
    let horizontal = AxisScale(
      x, over: points.map(\.x), padding: x.isLogarithmic ? 0.1 : 0.02)
    func column(_ value: Double) -> Int {
      min(
        max(Int(nearest: (horizontal.position(value) * Double(width - 1)).rounded()), 0), width - 1)
    }
    func row(_ value: Double) -> Int {
      let place = ((1 - vertical.position(value)) * Double(height - 1)).rounded()
      return Int(nearest: min(max(place, 0), Double(height - 1)))
    }
    var cells = [[Character]](repeating: Array(repeating: " ", count: width), count: height)
    for (_, one) in drawn where one.style == .points || one.style == .joined {
      for point in one.points {
        guard let low = point.low, let high = point.high else { continue }
        for y in row(high)...row(low) where cells[y][column(point.x)] == " " {
          cells[y][column(point.x)] = "│"
        }
      }
    }
    for (_, one) in drawn where one.style == .joined || one.style == .line {
      for (a, b) in zip(one.points, one.points.dropFirst()) {
        let (from, to) = (horizontal.position(a.x), horizontal.position(b.x))
        for at in (column(a.x)...max(column(a.x), column(b.x))).dropFirst().dropLast() {
          let share = (Double(at) / Double(width - 1) - from) / (to - from)
          let y = row(
            vertical.value(
              vertical.position(a.y) * (1 - share) + vertical.position(b.y) * share))
          if cells[y][at] == " " { cells[y][at] = "·" }
        }
      }
    }
    for (index, one) in drawn {
      for point in one.points where point.y.isFinite {
        let y = row(point.y)
        var at = column(point.x)
        // Of runs that lie on one another each is seen, where there is room beside.
        while one.style == .points, cells[y][at].isLetter, at + 1 < width { at += 1 }
        cells[y][at] = Self.mark(one, index)
      }
    }
    var labels = [String?](repeating: nil, count: height)
    var lowest = height + 1
    for value in vertical.ticks((height - 1) / 2) where lowest - row(value) >= 2 {
      lowest = row(value)
      labels[lowest] = vertical.text(value)
    }
    return zip(labels, cells).map { label, line in
      guard let label else { return "        │" + String(line) }
      return String(repeating: " ", count: max(0, 7 - label.count)) + label + " ┤" + String(line)
    } + bottom(horizontal, width, column)
  }

  private func bottom(_ scale: AxisScale, _ width: Int, _ column: (Double) -> Int) -> [String] {
    var ticks = [Character](repeating: " ", count: width + 9)
    var free = 0
    for value in scale.ticks(width / 12) {
      let text = scale.text(value).trimmed
      let start = 9 + column(value) - text.count / 2
      guard start >= free, start + text.count <= ticks.count else { continue }
      for (offset, c) in text.enumerated() { ticks[start + offset] = c }
      free = start + text.count + 2
    }
    let label = x.label.visible + (x.isLogarithmic ? " (log scale)" : "")
    return [
      "        └" + String(repeating: "─", count: width), String(ticks).trimmingTrailingSpaces,
    ] + label.wrapped(to: width).map { String(repeating: " ", count: 9) + $0 }
  }
}

extension Figure.Matrix {
  /// Characters from the lower end of the range to the upper.
  private var ramp: [Character] {
    switch colors {
    case .grey, .amount, .count: Array(" .:-=+*#%@")
    case .difference: Array("≡=- +*#")
    }
  }

  /// A picture: a character for every pixel across and two pixels down.
  var shades: [String] {
    stride(from: 0, to: values.count, by: 2).map { y in
      String(
        (values.first ?? []).indices.map { x in
          let pixels = values[y..<min(y + 2, values.count)].compactMap { $0[x] }
          let mean = pixels.reduce(0, +) / Double(max(pixels.count, 1))
          let share = (mean - range.lowerBound) / (range.upperBound - range.lowerBound)
          let steps = Double(ramp.count)
          return ramp[Int(nearest: min(max((share * steps).rounded(.down), 0), steps - 1))]
        })
    }
  }

  /// What the characters of `shades` stand for.
  var shadesLegend: String {
    let bounds = [range.lowerBound, range.upperBound].map { String(format: "%.3g", $0) }
    return "'\(ramp[0])' to '\(ramp[ramp.count - 1])': \(bounds[0]) to \(bounds[1])."
  }

  /// Numbers with the names of rows and columns, which are cut to what tells them apart; columns
  /// that do not fit `width` stand below.
  func cells(rows label: String, columns heading: String, width: Int) -> [String] {
    let texts = values.map { $0.map { $0.map { String(format: "%.4g", $0) } ?? "·" } }
    let cell = max(5, (texts.joined().map(\.count).max() ?? 0) + 1)
    var names = columns.map { $0.visible.beginning(of: cell - 1) }
    if Set(names).count < names.count {
      names = columns.map { $0.visible.shortened(to: cell - 1, cut: .middle) }
    }
    let sides = ([label] + rows).map { $0.visible.shortened(to: max(width / 3, 8), cut: .middle) }
    let margin = sides.map(\.cellWidth).max() ?? 0
    let perBlock = max(1, (width - margin) / cell)
    let blocks = stride(from: 0, to: names.count, by: perBlock).map { start in
      let block = start..<min(start + perBlock, names.count)
      func line(_ side: String, _ cells: [String]) -> String {
        side.padded(to: margin) + cells[block].map { $0.padded(to: cell, right: true) }.joined()
      }
      return [String(repeating: " ", count: margin + 2) + heading.visible, line(sides[0], names)]
        + zip(sides.dropFirst(), texts).map(line)
    }
    return Array(blocks.joined(separator: [""]))
  }
}
