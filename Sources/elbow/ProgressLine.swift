import Basics
import Foundation
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
      let line = Self.line(update, (now - state.start).seconds)
      guard Output.isErrorTerminal else { return Output.raw(line + "\n") }
      state.line = Self.cut(line, to: (Output.errorWidth ?? 80) - 1)
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

  /// As `dc  12/100 images  3.10/s  0:28 left  accuracy 88.0 %`.
  static func line(_ update: WorkUpdate, _ seconds: Double) -> String {
    let count = update.total.map { "\(update.done)/\($0)" } ?? "\(update.done)"
    var parts = [update.label, "\(count) \(update.unit)"]
    if !update.within.isEmpty { parts.append(update.within) }
    let own = Double(update.done - update.before) + update.part
    let rate = own / max(seconds, 1e-9)
    let isDone = update.total.map { update.done >= $0 } ?? false
    if isDone {
      parts.append("in \(Durations.clock(seconds))")
    } else if own > 0 {
      parts.append(String(format: rate < 0.1 ? "%.4f/s" : "%.2f/s", rate))
      if let total = update.total {
        let left = (Double(total - update.done) - update.part) / rate
        parts.append("\(Durations.clock(left)) left")
        if let later = update.later, later > 0 {
          parts.append("\(Durations.clock(left + later)) of all")
        }
      }
    }
    // What stands on one line stays on it, whatever a run is called.
    return (parts + update.remarks).joined(separator: "  ").visible
  }

  private static func cut(_ line: String, to width: Int) -> String {
    line.shortened(to: width)
  }
}
