/// What a column of a table may give up where there is no room for all of it.
public struct ColumnRole: Hashable, Sendable {
  /// Whether a column may be left out.
  public enum Keep: Hashable, Sendable {
    /// Never: a number of images, an accuracy with its interval, what a footer speaks of.
    case always
    /// Where nothing else helps, the lowest rank first.
    case useful(Int)
    /// Before texts become hard to read, the lowest rank first.
    case minor(Int)
  }

  /// Whether it may be left out.
  public var keep: Keep
  /// Cells that its texts may be shortened to; nil: they stand whole.
  public var least: Int?
  /// Cells that its texts take at most where nothing bounds the lines, in files and pipes, so that
  /// one long name does not pad every row; nil: as many as they have.
  public var most: Int?
  /// Where its texts are cut.
  public var cut: String.Cut
  /// Whether they go on below instead of being cut: sentences.
  public var wraps: Bool
  /// Shorter names for its head, the longest first.
  public var heads: [String]
  /// How its cells are set off where nothing else is said.
  public var emphasis: Emphasis

  /// The role as given; a column that stays whole where nothing else is said.
  public init(
    _ keep: Keep = .always, least: Int? = nil, most: Int? = nil, cut: String.Cut = .end,
    wraps: Bool = false, heads: [String] = [], emphasis: Emphasis = .none
  ) {
    (self.keep, self.least, self.most, self.cut, self.wraps) = (keep, least, most, cut, wraps)
    (self.heads, self.emphasis) = (heads, emphasis)
  }
}
