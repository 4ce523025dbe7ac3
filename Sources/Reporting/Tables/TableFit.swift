/// How the columns of a table share the width of a terminal.
///
/// A pure function of names and widths. The first of these that fits is taken: all columns; fewer and
/// fewer of the minor ones, texts being shortened to `comfortable` cells; the others with texts as
/// short as their roles allow; fewer and fewer of the useful ones; records, one line a cell. What room
/// is left then goes to the texts, the narrowest first, and at last to the heads.
public struct TableFit: Hashable, Sendable {
  /// A column as it would like to be.
  public struct Column: Hashable, Sendable {
    /// By which it is asked for.
    public var name: String
    /// Cells of its widest value.
    public var widest: Int
    /// What it may give up.
    public var role: ColumnRole

    /// The column as given.
    public init(_ name: String, widest: Int, role: ColumnRole) {
      (self.name, self.widest, self.role) = (name, widest, role)
    }

    /// Its heads, the longest first.
    fileprivate var heads: [String] { [name] + role.heads }
    /// Cells that it needs where texts keep `least` of theirs at most.
    fileprivate func need(_ least: Int) -> Int {
      let text = role.least.map { min(widest, max($0, least)) } ?? widest
      return max(text, heads.map(\.cellWidth).min() ?? 0)
    }
  }

  /// A column that is shown.
  public struct Shown: Hashable, Sendable {
    /// Its place among all.
    public var index: Int
    /// What stands above it.
    public var head: String
    /// Its cells.
    public var width: Int
  }

  /// Cells between two columns.
  public static let gap = 2
  /// The same between the columns of a matrix, where a rule stands.
  static let ruledGap = 3
  /// Cells of a text that minor columns make room for.
  public static let comfortable = 20

  /// Whether even the columns that must stay are too wide for a line, so that each cell has its own.
  public let isRecords: Bool
  /// What is shown, from the left.
  public let shown: [Shown]
  /// Names of the columns that are not.
  public let leftOut: [String]

  /// The columns in `width` cells; nil: no bound.
  public init(_ columns: [Column], width: Int?) {
    self.init(columns, of: Array(columns.indices), width: width, gap: Self.gap)
  }

  /// Some of the columns, `gap` cells apart.
  init(_ columns: [Column], of all: [Int], width: Int?, gap: Int) {
    var columns = columns
    if width == nil {
      for i in all { columns[i].widest = min(columns[i].widest, columns[i].role.most ?? .max) }
    }
    func ranked(_ rank: (ColumnRole.Keep) -> Int?) -> [Int] {
      all.compactMap { i in rank(columns[i].role.keep).map { (i, $0) } }
        .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
    }
    let minor = ranked { if case .minor(let rank) = $0 { rank } else { nil } }
    let useful = ranked { if case .useful(let rank) = $0 { rank } else { nil } }
    func kept(without gone: some Sequence<Int>) -> [Int] {
      let gone = Set(gone)
      return all.filter { !gone.contains($0) }
    }
    let attempts =
      [(all, Int.max)]
      + (0...minor.count).map { (kept(without: minor.prefix($0)), Self.comfortable) }
      + (0...useful.count).map { (kept(without: minor + useful.prefix($0)), 0) }
    for (kept, least) in attempts {
      if let shown = Self.share(columns, kept, least: least, width: width, gap: gap) {
        let names = kept.count == all.count ? [] : all.filter { !kept.contains($0) }
        (isRecords, self.shown, leftOut) = (false, shown, names.map { columns[$0].name })
        return
      }
    }
    let heads = columns.map { $0.heads.min { $0.cellWidth < $1.cellWidth } ?? $0.name }
    let widest = all.map { heads[$0].cellWidth }.max() ?? 0
    let room = max((width ?? 0) - widest - Self.gap, 2)
    (isRecords, leftOut) = (true, [])
    shown = all.map { Shown(index: $0, head: heads[$0], width: room) }
  }

  /// The columns with their widths; nil where they do not fit.
  private static func share(
    _ columns: [Column], _ kept: [Int], least: Int, width: Int?, gap: Int
  ) -> [Shown]? {
    var widths = kept.map { columns[$0].need(least) }
    var room = Int.max / 2
    if let width {
      room = width - widths.reduce(0, +) - gap * max(kept.count - 1, 0)
      guard room >= 0 else { return nil }
      while room > 0 {
        let short = widths.indices.filter { widths[$0] < columns[kept[$0]].widest }
        guard let narrowest = short.min(by: { widths[$0] < widths[$1] }) else { break }
        widths[narrowest] += 1
        room -= 1
      }
    }
    return zip(kept, widths).map { index, width in
      let heads = columns[index].heads
      let head = heads.first { $0.cellWidth <= width + room } ?? heads[heads.count - 1]
      let wider = max(width, head.cellWidth)
      room -= wider - width
      return Shown(index: index, head: head, width: wider)
    }
  }
}
