import Basics
import Reporting
import Synchronization

/// Shows how work goes on: one line that renews itself on a terminal, a line now and then elsewhere.
final class ProgressLine: Sendable {
  private struct State {
    var label: String?
    var start = ContinuousClock.now
    var shown: ContinuousClock.Instant?
    /// The line that stands on the terminal; empty: none.
    var line = ""
  }

  private let state = Mutex(State())

  /// Takes an update; most are passed over.
  func show(_ update: WorkUpdate) {
    state.withLock { state in
      let now = ContinuousClock.now
      if state.label != update.label {
        Self.end(&state)
        state = State(label: update.label, start: now)
        // Elsewhere than on a terminal short work says nothing.
        if !Output.isErrorTerminal { state.shown = now }
      }
      let interval: Duration = Output.isErrorTerminal ? .milliseconds(200) : .seconds(10)
      let isLast = update.total.map { update.done >= $0 } ?? false
      if !isLast, let shown = state.shown, now - shown < interval { return }
      state.shown = now
      let width = Output.isErrorTerminal ? (Output.errorWidth ?? 80) - 1 : nil
      let line = update.line(after: (now - state.start).seconds, width: width)
      guard Output.isErrorTerminal else { return Output.raw(line + "\n") }
      state.line = line
      Output.raw("\r\u{1B}[K\(state.line)")
      if isLast { Self.end(&state) }
    }
  }

  /// Ends the line that stands there.
  func end() { state.withLock { Self.end(&$0) } }

  /// Writes something else, after which the line stands there again.
  func around(_ body: () -> Void) {
    state.withLock { state in
      if !state.line.isEmpty { Output.raw("\r\u{1B}[K") }
      body()
      if !state.line.isEmpty { Output.raw(state.line) }
    }
  }

  private static func end(_ state: inout State) {
    if !state.line.isEmpty { Output.raw("\n") }
    state.line = ""
  }
}
