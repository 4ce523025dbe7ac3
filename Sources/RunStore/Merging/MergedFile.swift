/// What came of merging one file into another.
public struct MergedFile: Hashable, Sendable {
  /// A run or training that was not merged.
  public struct Apart: Hashable, Sendable {
    /// Why it was not.
    public enum Reason: String, Sendable {
      /// Both files have it, and what was recorded is not the same; or they tell different things of its
      /// model.
      case content = "differs"
      /// Both files have it, with other names, groups, notes, tags, or one of them in the trash: those
      /// of the file merged into stay.
      case labels = "other labels"
      /// What it was made from was left apart.
      case maker = "made from a run that differs"
      /// A process is at work on it.
      case running
    }

    /// ULID.
    public let id: String
    /// Why it was not merged.
    public let reason: Reason
    /// What of it differs, as tables.
    public let what: String
  }

  /// Path as given.
  public let path: String
  /// Runs that were not there before.
  public internal(set) var runs = 0
  /// Trainings that were not there before.
  public internal(set) var trainings = 0
  /// Runs and trainings that were there before, just the same.
  public internal(set) var known = 0
  /// Those that were not merged.
  public internal(set) var apart: [Apart] = []

  /// Of nothing yet.
  init(_ path: String) { self.path = path }
}
