import Dispatch
import Foundation
import Synchronization
import TensorCore

/// Ends a run in good order on Ctrl-C, SIGTERM, or when its time is up.
package final class Interruption {
  private var sources: [any DispatchSourceProtocol] = []
  /// Give the signals what they did before.
  private var restorations: [() -> Void] = []
  private let causes = Causes()

  /// Whether the budget was used up.
  package var isOutOfTime: Bool { causes.timer.load(ordering: .acquiring) }
  /// Whether it was, or a signal came.
  package var isRaised: Bool { isOutOfTime || causes.signal.load(ordering: .acquiring) }

  private final class Causes: Sendable {
    let timer = Atomic(false)
    let signal = Atomic(false)
  }

  /// Watches over `workers` until released; a second signal ends the program at once.
  package init(_ workers: WorkerPool, budget: Double?) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let previous = signal(number, SIG_IGN)
      restorations.append { signal(number, previous) }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [causes] in
        causes.signal.store(true, ordering: .releasing)
        Output.error("\nelbow: stopping; what is reported is recorded")
        workers.cancel()
        signal(number, SIG_DFL)
      }
      source.resume()
      sources.append(source)
    }
    if let budget {
      let source = DispatchSource.makeTimerSource(queue: .global())
      source.schedule(deadline: .now() + budget)
      source.setEventHandler { [causes] in
        causes.timer.store(true, ordering: .releasing)
        workers.cancel()
      }
      source.resume()
      sources.append(source)
    }
  }

  deinit {
    for source in sources { source.cancel() }
    for restore in restorations { restore() }
  }
}
