import Dispatch
import Foundation
import TensorCore

/// Ends a run in good order on Ctrl-C, SIGTERM, or when its time is up.
final class Interruption {
  private var sources: [any DispatchSourceProtocol] = []
  private(set) var isOutOfTime = false

  /// Watches over `workers` until released; a second signal ends the program at once.
  init(_ workers: WorkerPool, budget: Double?) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
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
      let timer = DispatchSource.makeTimerSource(queue: .global())
      timer.schedule(deadline: .now() + budget)
      timer.setEventHandler { [weak self] in
        self?.isOutOfTime = true
        workers.cancel()
      }
      timer.resume()
      sources.append(timer)
    }
  }

  deinit { for source in sources { source.cancel() } }
}
