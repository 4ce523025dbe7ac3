/// How far work has come that takes long enough to be watched.
public struct WorkUpdate: Hashable, Sendable {
  /// What is done, as `run` or a run's name.
  public var label: String
  /// Units done, those of earlier processes included.
  public var done: Int
  /// Units in all; nil where that is not known.
  public var total: Int?
  /// What is counted, as `images`.
  public var unit: String
  /// Units that were done before this process began.
  public var before: Int
  /// Share of the units in work that is done, 0…1: of an image under attack, its steps.
  public var part: Double
  /// What is going on within a unit, as `step 12 of 100`; empty: nothing to be said.
  public var within: String
  /// What else is known, as `accuracy 88.0 %`.
  public var remarks: [String]
  /// Seconds of other work that follows; nil: none is planned.
  public var later: Double?

  /// An update without details.
  public init(
    _ label: String, _ done: Int, of total: Int?, _ unit: String, before: Int = 0,
    part: Double = 0, within: String = "", remarks: [String] = [], later: Double? = nil
  ) {
    (self.label, self.done, self.total, self.unit) = (label, done, total, unit)
    (self.before, self.part, self.within) = (before, part, within)
    (self.remarks, self.later) = (remarks, later)
  }
}

/// Is told how long work goes on; whether anyone shows it is no matter of the work.
///
/// Called from any thread, often: what shows it chooses how much of it.
public struct WorkWatch: Sendable {
  private let take: @Sendable (WorkUpdate) -> Void
  private let hear: @Sendable (String) -> Void

  /// Nobody watches.
  public static let none = WorkWatch(update: { _ in }, note: { _ in })

  /// A watch of two functions.
  public init(
    update: @escaping @Sendable (WorkUpdate) -> Void, note: @escaping @Sendable (String) -> Void
  ) {
    (take, hear) = (update, note)
  }

  /// Work has come so far.
  public func callAsFunction(_ update: WorkUpdate) { take(update) }

  /// Something that a person should know.
  public func note(_ text: String) { hear(text) }
}
