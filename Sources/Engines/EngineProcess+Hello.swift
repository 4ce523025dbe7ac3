import Basics
import TensorCore

extension EngineProcess {
  /// Seconds that an engine may take to begin, and after which a person is told what is waited for.
  private static let (startTime, noticeTime) = (600.0, 2.0)

  /// Waits for what it says of itself.
  ///
  /// - Parameters:
  ///   - command: that started it, for messages.
  ///   - workers: threads whose cancelling ends the waiting.
  ///   - watch: is told where it takes long.
  /// - Throws: `ElbowError` where it says nothing, or no hello; `CancellationError`.
  func hello(
    to command: String, following workers: WorkerPool, _ watch: WorkWatch
  ) throws -> EngineHello {
    let begin = ContinuousClock.now
    var isTold = false
    let line = try line {
      if workers.isCancelled { throw CancellationError() }
      let waited = ContinuousClock.now - begin
      if !isTold, waited > .seconds(Self.noticeTime) {
        isTold = true
        watch.note(
          "waiting for the engine '\(command)' to say hello, for \(Int(Self.startTime)) s at most")
      }
      guard waited < .seconds(Self.startTime) else {
        throw ElbowError(.inaccessible, "the engine has said no hello for \(Int(Self.startTime)) s")
      }
    }
    guard let line else {
      throw ElbowError(
        .inaccessible, "the engine '\(command)' ended without a hello\(lastWords)")
    }
    return try EngineHello(line)
  }
}
