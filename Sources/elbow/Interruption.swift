import Dispatch
import Foundation
import Synchronization
import TensorCore

/// Ends a run in good order on Ctrl-C, SIGTERM, or when its time is up.
final class Interruption {
  private var sources: [any DispatchSourceProtocol] = []
  /// Give the signals what they did before.
  private var restorations: [() -> Void] = []
  private let timer = Timer()

  /// Whether the budget was used up.
  var isOutOfTime: Bool { timer.isUp.load(ordering: .acquiring) }

  private final class Timer: Sendable {
    let isUp = Atomic(false)
  }

  /// Watches over `workers` until released; a second signal ends the program at once.
  init(_ workers: WorkerPool, budget: Double?) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let previous = signal(number, SIG_IGN)
      restorations.append { signal(number, previous) }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
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
      source.setEventHandler { [timer] in
        timer.isUp.store(true, ordering: .releasing)
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
