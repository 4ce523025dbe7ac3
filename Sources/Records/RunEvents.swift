import Basics

/// What the evaluation loop tells its sink, in this order: one `started`, a `predicted` for every
/// image, one `ended`. A run that is resumed starts with `resumed` in place of `started`.
public enum RunEvent: Sendable {
  /// A run begins.
  case started(RunHeader)
  /// A run goes on where it was broken off.
  case resumed(RunHeader)
  /// An image has its answer.
  case predicted(Prediction)
  /// No event follows in this process.
  case ended(RunEnding)
}

/// Receives the events of one run.
public protocol RunSink: AnyObject, Sendable {
  /// Takes one event. `started`, `resumed` and `ended` are durable on return; predictions may be
  /// grouped, and a sink says in a way of its own which of them are.
  ///
  /// - Throws: what the sink's medium throws, or threw for an earlier event; the evaluation stops
  ///   there.
  func receive(_ event: RunEvent) throws
}

/// How a run ended.
public struct RunEnding: Sendable {
  /// Final state; `crashed` is inferred by readers, never written.
  public enum Status: String, Codable, Sendable {
    /// Every image has its answer.
    case finished
    /// An error broke it off.
    case failed
    /// A signal, a budget or a cancellation ended it in good order.
    case interrupted
  }

  /// How it ended.
  public var status: Status
  /// Message for `failed`.
  public var error: String?
  /// Wall seconds of this process's part.
  public var wallSeconds: Double
  /// User + system CPU seconds of this process's part, and of its engine's.
  public var cpuSeconds: Double
  /// Peak resident memory of this process, bytes; with that of its engine, where it has one.
  public var peakMemory: Int
  /// Joules that processor and memory of the machine used meanwhile; nil: not measured.
  public var energy: Double?
  /// Joules that the engine's GPU used meanwhile; nil: not measured.
  public var gpuEnergy: Double?
  /// Peak memory that the engine took of its GPU, bytes; nil: not measured.
  public var gpuMemory: Int?

  /// The ending as given.
  public init(
    status: Status, error: String? = nil, wallSeconds: Double, cpuSeconds: Double, peakMemory: Int
  ) {
    self.status = status
    self.error = error
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
    self.peakMemory = peakMemory
  }
}
