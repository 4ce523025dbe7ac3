/// What went wrong: for programs by its code, for people by its message.
///
/// Messages name fields of requests, configurations and recipes in backticks, as `` `epsilon` ``, so
/// that each face can spell them its own way: the command line shows `--epsilon`.
public struct ElbowError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is.
  public enum Code: String, CaseIterable, Sendable {
    /// A name that stands for nothing: of a model, a strategy, a column, a run.
    case unknownName
    /// A name that could stand for several things.
    case ambiguous
    /// A value out of form or range, or values that contradict one another.
    case malformed
    /// A file, folder or program that is not there.
    case missing
    /// A file that cannot be read or written.
    case inaccessible
    /// A file whose content is not what it should be.
    case damaged
    /// A file that a newer Elbow wrote.
    case newer
    /// Something that another process holds.
    case busy
    /// A disk without room.
    case full
    /// A training whose loss or gradient is no number any more.
    case diverged
    /// Something that took longer than it was given.
    case late
    /// Something recorded that does not allow what was asked, as a run that is finished already.
    case conflict
  }

  /// What kind of trouble it is.
  public let code: Code
  /// What is wrong, where, and what to do about it.
  public let message: String

  /// The error as given.
  public init(_ code: Code, _ message: String) {
    (self.code, self.message) = (code, message)
  }

  public var description: String { message }

  /// The same trouble with where it was met before the message.
  public func prefixed(_ place: String) -> ElbowError { ElbowError(code, "\(place): \(message)") }
}
