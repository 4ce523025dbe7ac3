import Basics
import Foundation
import Synchronization
import TestSupport
import Testing

/// Gives inputs that are nearly right to something that reads them, and sees that it answers: with a
/// value, or with an error that says what is wrong.
///
/// A minute for all kinds together; `ELBOW_FUZZ=1000000` gives each kind so many inputs instead, from
/// the seed in `ELBOW_FUZZ_SEED`. A trap or a hang ends the tests and leaves the input in
/// `ELBOW_FUZZ_DIR` (the temporary folder), as `elbow-fuzz-KIND`: put into `Fixtures/KIND.…`, it is tried
/// first from then on.
struct Fuzzer {
  /// As `safetensors`.
  let kind: String
  private let mutator: Mutator
  private let found: [[UInt8]]
  private let last: FileHandle
  private let lastPath: String

  /// Seconds that a kind has, and one input, however busy the machine is.
  private static let (seconds, patience) = (3.5, 120.0)
  /// Bytes that the tests may take in all.
  private static let memory = 3 << 30

  private static let environment = ProcessInfo.processInfo.environment
  private static let count = environment["ELBOW_FUZZ"].flatMap { Int($0) }
  private static let seed = environment["ELBOW_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  /// A fuzzer of one kind of input.
  ///
  /// - Parameters:
  ///   - seeds: inputs that are right.
  ///   - words: what inputs are made of.
  init(_ kind: String, _ seeds: [[UInt8]], words: [String] = []) throws {
    self.kind = kind
    let fixtures = Bundle.module.url(forResource: "Fixtures", withExtension: nil)
    let names =
      (try? fixtures.map { try FileManager.default.contentsOfDirectory(atPath: $0.path) }) ?? []
    found = try names.filter { $0.hasPrefix(kind + ".") }.sorted().compactMap { name in
      try fixtures.map { [UInt8](try Data(contentsOf: $0.appending(path: name))) }
    }
    mutator = Mutator(seeds + found, words: words)
    let folder = Self.environment["ELBOW_FUZZ_DIR"] ?? FileManager.default.temporaryDirectory.path
    lastPath = "\(folder)/elbow-fuzz-\(kind)"
    _ = FileManager.default.createFile(atPath: lastPath, contents: nil)
    last = try FileHandle(forWritingTo: URL(fileURLWithPath: lastPath))
  }

  /// The same of texts.
  init(_ kind: String, texts: [String], words: [String] = []) throws {
    try self.init(kind, texts.map { Array($0.utf8) }, words: words)
  }

  /// Tries inputs until there were enough.
  ///
  /// - Parameter body: reads one; what it may throw is an `ElbowError`.
  func run(_ body: ([UInt8]) throws -> Void) throws {
    try run(inTurn: { input, _ in try body(input) })
  }

  /// Tries inputs until there were enough.
  ///
  /// - Parameter body: reads one, given how many came before it, or nil for an input that was there from
  ///   the first, of which everything is to be seen.
  func run(inTurn body: ([UInt8], Int?) throws -> Void) throws {
    _ = Self.untraced
    for input in found + mutator.seeds { try attempt(input) { try body($0, nil) } }
    var random = SplitMix(Self.seed)
    let start = ContinuousClock.now
    var done = 0
    while Self.count.map({ done < $0 })
      ?? (ContinuousClock.now - start < .seconds(Self.seconds))
    {
      try attempt(mutator.input(&random)) { try body($0, done) }
      done += 1
      if done % 256 == 0 {
        let used = Self.residentMemory
        try #require(used < Self.memory, "\(kind): \(used) bytes after \(done) inputs")
      }
    }
    print("fuzz \(kind): \(done) inputs in \(ContinuousClock.now - start)")
    try FileManager.default.removeItem(atPath: lastPath)
  }

  private func attempt(_ input: [UInt8], _ body: ([UInt8]) throws -> Void) throws {
    // Whatever comes, this stands in the file.
    try last.truncate(atOffset: 0)
    try last.seek(toOffset: 0)
    try last.write(contentsOf: Data(input))
    let watch = Watch(kind, Self.patience)
    defer { watch.end() }
    do { try body(input) } catch let error as ElbowError {
      #expect(!error.message.isEmpty)
    } catch {
      Issue.record("\(kind): \(type(of: error)) \(error) of \(lastPath)")
      throw error
    }
  }

  /// The tests' library walks the stack at every error that is thrown, most of what an input costs: no more.
  private static let untraced: Void = {
    let program = dlopen(nil, RTLD_NOW)
    for name in ["_swift_willThrow", "_swift_willThrowTypedImpl"] {
      dlsym(program, name)?.storeBytes(of: nil, as: UnsafeRawPointer?.self)
    }
  }()

  private static var residentMemory: Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * 4096
  }

  /// Ends the tests where an input takes too long.
  private final class Watch: Sendable {
    private static let deadlines = Mutex<[ObjectIdentifier: (kind: String, at: Date)]>([:])
    private static let thread: Void = {
      Thread.detachNewThread {
        while true {
          Thread.sleep(forTimeInterval: 1)
          let late = deadlines.withLock { $0.values.first { $0.at < Date() } }
          if let late { fatalError("fuzz \(late.kind): an input hangs") }
        }
      }
    }()

    init(_ kind: String, _ patience: Double) {
      _ = Self.thread
      Self.deadlines.withLock {
        $0[ObjectIdentifier(self)] = (kind, Date(timeIntervalSinceNow: patience))
      }
    }

    func end() { Self.deadlines.withLock { $0[ObjectIdentifier(self)] = nil } }
  }
}
