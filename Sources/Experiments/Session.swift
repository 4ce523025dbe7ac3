import Basics
import Engines
import Evaluation
import Foundation
import Records
import TensorCore

/// What the experiments of one process share: threads, files read, whoever watches, and the command
/// line that is recorded with them.
public final class Session: Sendable {
  /// The threads.
  package let workers: WorkerPool
  /// What has been read already.
  let files: LoadedFiles
  /// Is told how experiments go on.
  public let watch: WorkWatch
  /// Command line that is recorded, program name first.
  public let arguments: [String]

  /// A session.
  ///
  /// - Parameters:
  ///   - threads: nil: one a core.
  ///   - watch: is told how work goes on.
  ///   - arguments: recorded with every run; a library's caller may leave them out.
  public init(threads: Int? = nil, watch: WorkWatch = .none, arguments: [String] = []) {
    workers = WorkerPool(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    files = LoadedFiles(watch: watch)
    (self.watch, self.arguments) = (watch, arguments)
  }

  /// Ends what runs as interrupted, and whatever would still begin; called from any thread.
  public func cancel() { workers.cancel() }

  /// What this process is and uses, as runs record it.
  ///
  /// - Parameters:
  ///   - batch: images in flight; nil: as many as keep threads or engine busy.
  ///   - engine: what computes instead of this process.
  ///   - precision: of the networks' products.
  func environment(
    batch: Int? = nil, engine: EngineClient? = nil, precision: Precision = .fp32
  ) -> RunEnvironment {
    RunEnvironment(
      threads: workers.count,
      batch: batch ?? engine?.imagesInFlight ?? workers.count, arguments: arguments,
      blas: engine?.hello.environment ?? "\(BLAS.version) \(BLAS.kernel)",
      instructionSet: InstructionSet.name(with: precision))
  }
}
