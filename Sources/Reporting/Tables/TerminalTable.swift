import Basics
import Records

/// A table as people read it on a terminal.
public struct TerminalTable: Sendable {
  private let columns: [TableFit.Column]
  private let texts: [[String]]
  private let widths: [[Int]]
  private let isNumeric: [Bool]
  private let emphases: [[Emphasis]]
  /// How many columns at the left say what a row of a matrix is of; 0: the table is none.
  private let stub: Int

  /// What was written, and what for want of room was not.
  public struct Output: Hashable, Sendable {
    /// The lines, each with a line feed.
    public var text: String
    /// Names of the columns that were left out.
    public var leftOut: [String]

    /// What to tell the reader of them, in lines of at most `width` cells; nil where all are there.
    ///
    /// - Parameters:
    ///   - width: of the terminal, characters.
    ///   - remedy: how to see them.
    public func notice(
      remedy: String = "a wider terminal, or `format` csv, has them", width: Int? = nil
    ) -> String? {
      guard !leftOut.isEmpty else { return nil }
      let text = "left out: \(leftOut.joined(separator: ", ")) (\(remedy))"
      return width.map { text.wrapped(to: $0).joined(separator: "\n") } ?? text
    }
  }

  /// The table with what is known of its columns.
  ///
  /// - Parameters:
  ///   - roles: what columns may give up, by name; those of others follow from their values.
  ///   - keepsAll: whether the columns were chosen by hand, so that none is left out.
  ///   - asked: columns that somebody asked for, or that what stands below speaks of: none of them
  ///     is left out either; those that the table lacks do not matter.
  ///   - stub: columns at the left that tell the rows of a matrix apart, whose other cells stand
  ///     whole: where they do not fit side by side, they follow below each other, the stub before
  ///     each part; 0: the table is no matrix.
  ///   - table: what is shown.
  ///   - emphasis: of a cell by row and column, beyond what its role says; nil: what that says.
  public init(
    _ table: ResultTable, roles: [String: ColumnRole] = ColumnRole.known, keepsAll: Bool = false,
    asked: [String] = [], stub: Int = 0,
    emphasis: (_ row: Int, _ column: String) -> Emphasis? = { _, _ in nil }
  ) {
    // Lengths once: to count characters is dear.
    let read = table.rows.mapInParts { row in
      let texts = row.map { $0.reading(short: true).visible }
      return (texts, texts.map(\.cellWidth))
    }
    let (texts, widths) = (read.map(\.0), read.map(\.1))
    let numeric = table.columns.indices.map { TableFormat.isNumeric(table.rows, $0) }
    columns = table.columns.enumerated().map { c, name in
      var role =
        roles[name]
        ?? .unknown(at: c, isNumeric: numeric[c], texts.lazy.map { $0[c] })
      if keepsAll || asked.contains(name) { role.keep = .always }
      if stub > 0 { role = c < stub ? .stub : ColumnRole() }
      return TableFit.Column(
        name.visible, widest: widths.reduce(0) { max($0, $1[c]) }, role: role)
    }
    let roles = columns.map(\.role)
    emphases = table.rows.indices.map { row in
      table.columns.enumerated().map { emphasis(row, $1) ?? roles[$0].emphasis }
    }
    (self.texts, self.widths, self.stub, isNumeric) = (texts, widths, stub, numeric)
  }

  /// The table in lines of at most `width` cells.
  ///
  /// - Parameters:
  ///   - width: nil: no bound.
  ///   - style: whether heads, rules and cells are set off.
  public func output(width: Int? = nil, style: TextStyle = .plain) -> Output {
    let parts = parts(width)
    let texts = parts.map { fit in
      (fit.isRecords ? records(fit, style) : lines(fit, style)).map { $0 + "\n" }.joined()
    }
    return Output(text: texts.joined(separator: "\n"), leftOut: parts.flatMap(\.leftOut))
  }

  /// The table as it is, or a matrix in as few parts as it needs.
  private func parts(_ width: Int?) -> [TableFit] {
    guard stub > 0, stub < columns.count else { return [TableFit(columns, width: width)] }
    func fit(_ others: some Sequence<Int>) -> TableFit {
      TableFit(columns, of: Array(0..<stub) + others, width: width, gap: TableFit.ruledGap)
    }
    var parts: [TableFit] = []
    var rest = stub..<columns.count
    while !rest.isEmpty {
      let most = (1...rest.count).last { count in
        let part = fit(rest.prefix(count))
        return !part.isRecords && part.leftOut.isEmpty
      }
      parts.append(fit(rest.prefix(most ?? 1)))
      rest = rest.dropFirst(most ?? 1)
    }
    return parts
  }

  /// Columns `TableFit.gap` apart, numbers to the right; sentences go on below. In a matrix, whose
  /// cells hold several words, a rule parts the columns.
  private func lines(_ fit: TableFit, _ style: TextStyle) -> [String] {
    let last = fit.shown.count - 1
    func line(
      _ cells: [(text: String, width: Int)], _ emphases: [Emphasis], rule: String = " │ "
    ) -> String {
      var line = ""
      for (place, shown) in fit.shown.enumerated() {
        let (text, width) = cells[place]
        let padding = String(repeating: " ", count: max(0, shown.width - width))
        if place > 0 {
          line +=
            stub > 0
            ? style.apply(.dim, to: rule)
            : String(repeating: " ", count: TableFit.gap)
        }
        if isNumeric[shown.index] { line += padding }
        line += style.apply(emphases[place], to: text)
        if !isNumeric[shown.index], place < last { line += padding }
      }
      return line.trimmingTrailingSpaces
    }
    func all(_ emphasis: Emphasis) -> [Emphasis] { fit.shown.map { _ in emphasis } }
    return [
      line(fit.shown.map { ($0.head, $0.head.cellWidth) }, all(.strong)),
      line(
        fit.shown.map { (String(repeating: "─", count: $0.width), $0.width) }, all(.dim),
        rule: "─┼─"),
    ]
      + texts.indices.flatMap { row -> [String] in
        let pieces = fit.shown.map { self.pieces(row, $0) }
        return (0..<(pieces.map(\.count).max() ?? 0)).map { k in
          line(
            pieces.map { k < $0.count ? $0[k] : ("", 0) }, fit.shown.map { emphases[row][$0.index] }
          )
        }
      }
  }

  /// A cell's lines with their widths.
  private func pieces(_ row: Int, _ shown: TableFit.Shown) -> [(text: String, width: Int)] {
    let (text, width) = (texts[row][shown.index], widths[row][shown.index])
    guard width > shown.width else { return [(text, width)] }
    let role = columns[shown.index].role
    let lines =
      role.wraps
      ? text.wrapped(to: shown.width) : [text.shortened(to: shown.width, cut: role.cut)]
    return lines.map { ($0, $0.cellWidth) }
  }

  /// A line a cell, for terminals too narrow for a line a row; cells that hold nothing are left out.
  private func records(_ fit: TableFit, _ style: TextStyle) -> [String] {
    let margin = fit.shown.map(\.head.cellWidth).max() ?? 0
    let blocks = texts.indices.map { row in
      fit.shown.filter { texts[row][$0.index] != Cell.missing }.flatMap { shown -> [String] in
        let (text, emphasis) = (texts[row][shown.index], emphases[row][shown.index])
        let role = columns[shown.index].role
        let lines =
          role.least == nil || role.wraps
          ? text.wrapped(to: shown.width) : [text.shortened(to: shown.width, cut: role.cut)]
        return lines.enumerated().map { index, line in
          let head = index == 0 ? shown.head : ""
          let padding = String(repeating: " ", count: margin - head.cellWidth + TableFit.gap)
          return style.apply(.strong, to: head) + padding + style.apply(emphasis, to: line)
        }
      }
    }
    return Array(blocks.joined(separator: [""]))
  }
}
