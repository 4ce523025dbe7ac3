/// A plot as a value: what is drawn, on which axes, and what must be said of it.
///
/// Queries give the numbers, initializers make a figure of them, renderers make the figure characters
/// (`text`) or a script of gnuplot (`gnuplot`).
public struct Figure: Hashable, Sendable {
  /// An axis.
  public struct Axis: Hashable, Sendable {
    /// Name, with its unit.
    public var label: String
    /// Whether equal factors are equally long.
    public var isLogarithmic: Bool
    /// Whether the values are percentages, whose marks are whole steps of 5.
    public var isPercent: Bool

    /// An axis; linear, in a unit of its own, where nothing else is said.
    public init(_ label: String, isLogarithmic: Bool = false, isPercent: Bool = false) {
      (self.label, self.isLogarithmic, self.isPercent) = (label, isLogarithmic, isPercent)
    }
  }

  /// One value with its 95 % interval.
  public struct Point: Hashable, Sendable {
    /// Place and value.
    public var x, y: Double
    /// Bounds; nil where there are none.
    public var low, high: Double?

    /// The point as given.
    public init(_ x: Double, _ y: Double, _ low: Double? = nil, _ high: Double? = nil) {
      (self.x, self.y, self.low, self.high) = (x, y, low, high)
    }
  }

  /// Points that belong together.
  public struct Series: Hashable, Sendable {
    /// How points are drawn.
    public enum Style: Sendable {
      /// Marks, with bars for their intervals.
      case points
      /// The same, joined by lines.
      case joined
      /// A line, with a band for its interval.
      case line
      /// A line of steps without marks, each point's value up to the next.
      case steps
    }

    /// Name in the legend; empty: none.
    public var name: String
    /// By rising x.
    public var points: [Point]
    /// How they are drawn.
    public var style: Style
    /// The letter that stands for them in text, and beside them where `style` is `points`; nil: the
    /// next one of the alphabet.
    public var mark: Character?
    /// Place in the palette; nil: grey.
    public var color: Int?

    /// The series as given.
    public init(
      _ name: String, _ points: [Point], style: Style, mark: Character? = nil, color: Int? = nil
    ) {
      (self.name, self.points, self.style) = (name, points, style)
      (self.mark, self.color) = (mark, color)
    }
  }

  /// What the values of a matrix are shown by.
  public enum Colors: Sendable {
    /// Black to white, for pictures.
    case grey
    /// Dark to light.
    case amount
    /// Two colours, white where they meet.
    case difference
    /// White to dark, with the number in it.
    case count
  }

  /// Values in rows and columns.
  public struct Matrix: Hashable, Sendable {
    /// From the top row down, each from the left; nil: nothing there.
    public var values: [[Double?]]
    /// Names of the rows and of the columns; empty: none are shown, as for pixels. An empty name is left
    /// out.
    public var rows, columns: [String]
    /// The values that the two ends of the scale stand for.
    public var range: ClosedRange<Double>
    /// How values are shown.
    public var colors: Colors

    /// Whether it is seen by its colours alone: a count has its number in every cell.
    var isPicture: Bool { colors != .count }

    /// The matrix as given.
    ///
    /// - Parameters:
    ///   - range: nil: from 0 to the largest value.
    ///   - rows: labels of the rows.
    ///   - columns: labels of the columns.
    ///   - values: **Shape** `[rows.count][columns.count]`.
    ///   - colors: how values are shown.
    public init(
      _ values: [[Double?]], rows: [String] = [], columns: [String] = [],
      range: ClosedRange<Double>? = nil, colors: Colors
    ) {
      let largest = values.joined().compactMap(\.self).filter(\.isFinite).max() ?? 0
      (self.values, self.rows, self.columns) = (values, rows, columns)
      self.range = range ?? 0...(largest > 0 ? largest : 1)
      self.colors = colors
    }
  }

  /// What stands on a pair of axes.
  public enum Content: Hashable, Sendable {
    /// Points and lines.
    case series([Series])
    /// Values in rows and columns.
    case matrix(Matrix)
  }

  /// One pair of axes.
  public struct Panel: Hashable, Sendable {
    /// What it shows; empty where the figure's title says it.
    public var title: String
    /// The axes; their labels are empty where there is nothing to say.
    public var x, y: Axis
    /// What stands on them.
    public var content: Content

    /// The panel as given.
    public init(_ title: String = "", x: Axis, y: Axis, _ content: Content) {
      (self.title, self.x, self.y, self.content) = (title, x, y, content)
    }
  }

  /// What is shown.
  public var title: String
  /// The pairs of axes, row by row.
  public var panels: [Panel]
  /// Panels side by side.
  public var columns: Int
  /// What is said below: n, intervals, which runs.
  public var caption: [String]
  /// Full ids of everything that the numbers come from.
  public var sources: [String]

  /// The figure as given.
  public init(
    _ title: String, panels: [Panel], columns: Int = 1, caption: [String], sources: [String]
  ) {
    precondition(!panels.isEmpty && columns >= 1, "a figure needs a panel and a column")
    (self.title, self.panels, self.columns) = (title, panels, columns)
    (self.caption, self.sources) = (caption, sources)
  }
}
