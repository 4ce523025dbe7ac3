import Basics
import Datasets
import Evaluation
import Experiments
import Foundation
import Records
import RunStore
import Synchronization

/// The database that pages are about, open for reading, with what is dear to read again.
///
/// Every request has a connection to itself; the file may be written meanwhile, and be replaced.
package final class Archive: Sendable {
  /// The file.
  package let path: String
  /// ` --db FILE` for commands that answer the same; empty where the file is the default.
  package let flag: String
  /// What the user should know of the file; nil: nothing.
  package let notice: String?
  private let session: Session
  private let stores = Mutex<(file: UInt64?, idle: [RunStore])>((nil, []))
  private let replays = Mutex<(order: [String], replays: [String: Replay])>(([], [:]))
  private let errors = Mutex<(order: [String], errors: [String: DenoisingErrors])>(([], [:]))
  private let answers = Mutex(DearAnswers())
  private let datasets = Mutex<[String: Dataset]>([:])

  /// Opens a database.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - flag: ` --db FILE`, for the commands that pages name.
  ///   - threads: of replays; nil: one a core.
  /// - Throws: `ElbowError` where it cannot be read.
  package init(_ path: String, flag: String = "", threads: Int? = nil) throws {
    (self.path, self.flag) = (path, flag)
    session = Session(threads: threads)
    let store = try RunStore(path, for: .read)
    notice = store.notice
    stores.withLock { $0 = (Self.file(at: path), [store]) }
  }

  /// What the file is named.
  var name: String { URL(fileURLWithPath: path).lastPathComponent }

  /// Runs `body` with a connection of its own.
  ///
  /// - Throws: what `body` throws, and where the file cannot be opened any more.
  func reading<R>(_ body: (RunStore) throws -> R) throws -> R {
    let file = Self.file(at: path)
    let idle = stores.withLock { stores -> RunStore? in
      if stores.file != file { stores = (file, []) }
      return stores.idle.popLast()
    }
    let store = try idle ?? RunStore(path, for: .read)
    defer { stores.withLock { if $0.file == file { $0.idle.append(store) } } }
    return try body(store)
  }

  /// An answer that takes its time, which is made on another thread where it is not there yet.
  ///
  /// - Parameters:
  ///   - question: what is asked, as a key.
  ///   - version: what it is true of.
  ///   - make: finds it.
  func answer<V: Sendable>(
    _ question: String, version: String, _ make: @escaping @Sendable (RunStore) throws -> V
  ) -> DearAnswer {
    let (answer, isNew) = answers.withLock { $0.answer(question, version) }
    if isNew {
      DispatchQueue.global(qos: .userInitiated).async { answer.make { try self.reading(make) } }
    }
    return answer
  }

  /// A text that is another after every change of the file: what was answered before holds as long as
  /// it stays the same. Nothing is read.
  var state: String {
    let parts = ["", "-wal"].map { suffix -> String in
      var facts = stat()
      guard stat(path + suffix, &facts) == 0 else { return "-" }
      let time = facts.modified
      return "\(facts.st_ino) \(facts.st_size) \(time.tv_sec) \(time.tv_nsec)"
    }
    return String(SHA256.hexDigest(of: parts.joined(separator: "\n")).prefix(16))
  }

  private static func file(at path: String) -> UInt64? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.systemFileNumber] as? UInt64
  }

  /// Whether a run's losses are in memory already.
  ///
  /// - Throws: `ElbowError`.
  func isReady(_ id: String, _ store: RunStore) throws -> Bool {
    let key = try Self.extent(of: id, store)
    return replays.withLock { $0.replays[key] != nil }
  }

  /// A run with how far it has come: images of another program's may still follow.
  ///
  /// - Throws: `ElbowError`.
  static func extent(of id: String, _ store: RunStore) throws -> String {
    let run = try store.query(.run(id))
    return "\(id) \(run[0, "status"].text(null: "")) \(run[0, "n_done"].text(null: ""))"
  }

  /// A replay of a run's losses, which stay in memory for the next question.
  ///
  /// - Throws: `ElbowError` where the run has no losses to replay.
  func replay(_ id: String, _ store: RunStore) throws -> (Replay, Session) {
    let key = try Self.extent(of: id, store)
    if let known = replays.withLock({ $0.replays[key] }) { return (known, session) }
    let replay = try RecordedLosses(id, store).replay(workers: session.workers) { _ in true }
    replays.withLock { kept in
      kept.order.append(key)
      kept.replays[key] = replay
      // Losses are large: those that were asked for first go first.
      if kept.order.count > 2 { kept.replays[kept.order.removeFirst()] = nil }
    }
    return (replay, session)
  }

  /// Where in an image a run's denoiser errs; computed for one caller at a time, and kept for the
  /// pictures that the page of it names.
  ///
  /// - Throws: `ElbowError` where it cannot be computed.
  func errors(
    of id: String, _ image: Int, at sigmas: [Double], _ store: RunStore
  ) throws -> DenoisingErrors {
    try errors.withLock { kept in
      let wanted = Set(sigmas)
      func key(_ sigmas: some Sequence<Double>) -> String { "\(id) \(image) \(sigmas.sorted())" }
      if let known = kept.errors[key(wanted)] { return known }
      let made = try DenoisingErrors(
        id, image: image, at: sigmas, workers: session.workers, store)
      // By what was asked, and each level by what it is.
      let parts = made.levels.map { (key([$0.sigma]), made.at($0)) }
      for (key, errors) in [(key(wanted), made)] + parts where kept.errors[key] == nil {
        kept.order.append(key)
        kept.errors[key] = errors
        if kept.order.count > Self.keptErrors { kept.errors[kept.order.removeFirst()] = nil }
      }
      return made
    }
  }

  /// Of error maps, a few images' at a few levels.
  private static let keptErrors = 64

  /// A split of a dataset, read once.
  ///
  /// - Throws: `ElbowError` where its files are not there.
  func dataset(_ name: String, _ split: String, _ directory: String?) throws -> Dataset {
    let key = [name, split, directory ?? ""].joined(separator: "\n")
    if let known = datasets.withLock({ $0[key] }) { return known }
    let dataset = try DatasetCatalog.load(name, split: split, directory: directory)
    datasets.withLock { $0[key] = dataset }
    return dataset
  }
}

extension stat {
  /// When it was last changed.
  fileprivate var modified: timespec {
    #if canImport(Darwin)
      st_mtimespec
    #else
      st_mtim
    #endif
  }
}
