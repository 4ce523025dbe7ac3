import Analysis
import Foundation
import Records
import Synchronization

/// Shows how a run goes on: one line that renews itself on a terminal, a line now and then elsewhere.
///
/// It counts what is committed, never what is merely computed.
final class Progress: Sendable {
  private struct State {
    var done: Int
    var correct: Int
    var shown: ContinuousClock.Instant?
  }

  private let label: String
  private let total: Int
  private let already: Int
  /// From the seconds left of this run to what else is said at the line's end.
  private let remark: @Sendable (Double) -> String
  private let start = ContinuousClock.now
  private let state: Mutex<State>

  /// Starts at `done` of `total` images, `correct` of them right.
  init(
    _ label: String, total: Int, done: Int = 0, correct: Int = 0,
    remark: @escaping @Sendable (_ left: Double) -> String = { _ in "" }
  ) {
    self.label = label
    self.remark = remark
    self.total = total
    already = done
    state = Mutex(State(done: done, correct: correct))
  }

  /// Takes a committed group.
  func add(_ predictions: [Prediction]) {
    guard !predictions.isEmpty else { return }
    state.withLock { state in
      state.done += predictions.count
      state.correct += predictions.count(where: \.correct)
      let now = ContinuousClock.now
      let interval: Duration = Output.isErrorTerminal ? .milliseconds(200) : .seconds(10)
      if state.done < total, let shown = state.shown ?? (Output.isErrorTerminal ? nil : start),
        now - shown < interval
      {
        return
      }
      state.shown = now
      show(line(state, now - start))
    }
  }

  /// Ends the line.
  func finish() {
    state.withLock { state in
      if Output.isErrorTerminal, state.shown != nil { Output.error("") }
    }
  }

  private func show(_ line: String) {
    if Output.isErrorTerminal {
      Output.error("\r\u{1B}[K\(line)", terminator: "")
    } else {
      Output.error(line)
    }
  }

  private func line(_ state: State, _ elapsed: Duration) -> String {
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    let rate = Double(state.done - already) / max(seconds, 1e-9)
    let left = Double(total - state.done) / max(rate, 1e-9)
    let accuracy = RunSummary.percent(Double(state.correct) / Double(max(state.done, 1)))
    return "\(label)  \(state.done)/\(total)  \(String(format: "%.2f", rate)) images/s  "
      + (state.done < total ? "\(Self.clock(left)) left" : "in \(Self.clock(seconds))")
      + "  accuracy \(accuracy) %" + remark(state.done < total ? left : 0)
  }

  /// As `1:02:03` or `2:03`.
  static func clock(_ seconds: Double) -> String {
    let s = Int(min(seconds.rounded(), 1e8))
    return s >= 3600
      ? String(format: "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60)
      : String(format: "%d:%02d", s / 60, s % 60)
  }
}
