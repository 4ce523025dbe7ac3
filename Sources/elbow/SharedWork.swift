import Evaluation
import TensorCore

/// What the runs of one process share: threads, the watch over signals and time, files read.
final class SharedWork {
  let workers: WorkerPool
  let interruption: Interruption
  let files = LoadedFiles()

  /// - Parameter budget: seconds after which all is interrupted; nil: no bound.
  init(threads: Int, budget: Double?) {
    workers = WorkerPool(threads: threads)
    interruption = Interruption(workers, budget: budget)
  }
}
