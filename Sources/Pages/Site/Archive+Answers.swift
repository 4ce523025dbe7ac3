import Basics
import Dispatch
import RunStore
import Synchronization

/// An answer that takes its time: made once, for all who ask for it meanwhile.
final class DearAnswer: Sendable {
  /// What it is true of: another text makes another answer.
  let version: String
  private let making = DispatchGroup()
  private let result = Mutex<Result<any Sendable, any Error>?>(nil)

  /// One that is still to be made, by `make`.
  init(version: String) {
    self.version = version
    making.enter()
  }

  /// Makes it, once.
  func make(_ body: () throws -> any Sendable) {
    let made = Result { try body() }
    result.withLock { $0 = made }
    making.leave()
  }

  /// It, or what went wrong; nil where that is not known within the time.
  func get(within patience: DispatchTimeInterval?) throws -> (any Sendable)? {
    let deadline = patience.map { DispatchTime.now() + $0 } ?? .distantFuture
    guard making.wait(timeout: deadline) == .success else { return nil }
    return try result.withLock { $0 }?.get()
  }

  /// Whether it has failed: then the next who asks has it made again.
  var hasFailed: Bool {
    result.withLock { if case .failure = $0 { true } else { false } }
  }
}

/// The answers that are kept, those that were made first to go first.
struct DearAnswers {
  private static let most = 8
  private var order: [String] = []
  private var answers: [String: DearAnswer] = [:]

  /// The answer to a question, and whether it is still to be made.
  mutating func answer(_ question: String, _ version: String) -> (DearAnswer, isNew: Bool) {
    if let known = answers[question], known.version == version, !known.hasFailed {
      return (known, false)
    }
    let answer = DearAnswer(version: version)
    order = order.filter { $0 != question } + [question]
    answers[question] = answer
    if order.count > Self.most { answers[order.removeFirst()] = nil }
    return (answer, true)
  }
}

extension Call {
  /// How long a browser that opens a page waits for a part of it that takes its time.
  private static let glance = DispatchTimeInterval.milliseconds(120)

  /// Whether a browser opens the page, which then asks for the rest by itself; nobody else does.
  private var isGlance: Bool { request.headers["sec-fetch-dest"] == "document" }

  /// An answer that may take its time, kept as long as the file is the same.
  ///
  /// - Parameters:
  ///   - question: what is asked, as a key.
  ///   - version: what the answer depends on; nil: anything in the file.
  ///   - make: finds it; runs on another thread.
  /// - Returns: nil where a browser opens the page and the answer is still being made: then the page says
  ///   so, and is brought up to date.
  /// - Throws: what `make` throws.
  func dear<V: Sendable>(
    _ question: String, version: String? = nil,
    _ make: @escaping @Sendable (RunStore) throws -> V
  ) throws -> V? {
    let answer = archive.answer(question, version: version ?? archive.state, make)
    return try answer.get(within: isGlance ? Self.glance : nil) as? V
  }

  /// The same, which is waited for.
  ///
  /// - Parameters:
  ///   - question: what is asked, as a key.
  ///   - make: finds it; runs on another thread.
  /// - Throws: what `make` throws.
  func whole<V: Sendable>(
    _ question: String, _ make: @escaping @Sendable (RunStore) throws -> V
  ) throws -> V {
    let answer = archive.answer(question, version: archive.state, make)
    guard let value = try answer.get(within: nil) as? V else {
      throw ElbowError(.missing, "no answer to '\(question)'")
    }
    return value
  }
}

extension HTML {
  /// What stands where an answer is still being made.
  static let underway: HTML = "<p class=\"none\" role=\"status\">This takes a moment …</p>"
}
