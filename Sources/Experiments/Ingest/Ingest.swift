import Basics
import Classifiers
import Foundation
import Records
import RunStore

/// Records what other programs say of their runs, line by line as JSON.
///
/// The article *Records of others* has the lines, `ingest.schema.json` their schema. A line that is
/// out of form is named by its number and changes nothing; the others are kept. Lines are acknowledged
/// once they are on the disk, and may be sent again: what is recorded already is passed over.
public final class Ingest {
  /// Version of the lines, which a line `{"elbow": 1}` may name.
  public static let version = 1
  /// The schema of a line, as JSON Schema.
  public static var schema: String {
    String(decoding: PackageResources.ingest_schema_json, as: UTF8.self)
  }
  /// A module for Python that writes the lines.
  public static var python: String { String(decoding: PackageResources.elbow_py, as: UTF8.self) }

  /// What has come so far.
  public struct Totals: Sendable {
    /// Lines, empty ones included.
    public var lines = 0
    /// Lines that were refused.
    public var badLines = 0
    /// Images whose losses speak for another class than the one predicted.
    public var contradictions = 0
    /// Line of the first of them.
    public var firstContradiction: Int?
    /// Losses that no squared error is, not a number, infinite or negative, and ELBOs that are no numbers.
    public var oddLosses = 0
    /// Line of the first of them.
    public var firstOddLoss: Int?
  }

  /// What has come so far.
  public private(set) var totals = Totals()
  let writer: StreamWriter
  private let tell: (String) throws -> Void
  private var plans: [Int: ClassifierPlan] = [:]
  private var sources: [Int: (dataset: String, split: String)] = [:]
  /// What is told with the next commit.
  private var answers: [JSONValue] = []
  private var committed = 0
  /// When the first line came that is not committed.
  private var since = ContinuousClock.now
  /// The run that the last line of metrics was of.
  var last: (key: [UInt8], run: Int) = ([], -1)
  /// Milliseconds since 1970 when the lines at hand came in.
  var now = 0

  /// Points that one transaction takes at most.
  private static let largestGroup = 200_000
  /// Seconds that lines which come without a pause wait for their transaction at most.
  private static let longestWait = 0.05

  /// A recorder into `store`, opened for writing.
  ///
  /// - Parameters:
  ///   - store: where runs are recorded.
  ///   - tell: takes answers, each a line of JSON.
  public init(into store: RunStore, tell: @escaping (String) throws -> Void) {
    writer = StreamWriter(store)
    self.tell = tell
  }

  /// Reads lines to the end of a file or pipe.
  ///
  /// - Parameters:
  ///   - file: its descriptor.
  ///   - stop: a descriptor that can be read once it is to end there; nil: none.
  /// - Throws: `ElbowError` where the file cannot be read, the database cannot take what comes, or the
  ///   lines are of a newer version; what was acknowledged is recorded.
  public func read(_ file: Int32, until stop: Int32? = nil) throws {
    do { try readAll(LineReader(file, until: stop)) } catch {
      // What came before the trouble is kept, where the database is not the trouble.
      if !writer.isBroken { try? commit() }
      throw error
    }
  }

  private func readAll(_ reader: LineReader) throws {
    while true {
      switch try reader.next(waiting: patience) {
      case .lines(let lines):
        now = Int(Date().timeIntervalSince1970 * 1000)
        if committed == totals.lines { since = .now }
        for line in lines {
          try take(line)
          if writer.pointCount >= Self.largestGroup { try commit() }
        }
        if ContinuousClock.now - since > .seconds(Self.longestWait) { try commit() }
      case .nothing: try commit()
      case .tooLong:
        totals.lines += 1
        refuse("is longer than \(LineReader.longest >> 20) MiB")
      // What waits may set a run to work that had ended.
      case .end: return try finish()
      }
    }
  }

  /// Seconds that may pass before what has come is committed, or runs show that they live.
  private var patience: Double { committed < totals.lines ? 0.01 : 10 }

  private func commit() throws {
    guard committed < totals.lines || writer.isAnyRunning || !answers.isEmpty else { return }
    try writer.commit()
    for answer in answers { try tell(answer.canonical) }
    answers = []
    guard committed < totals.lines else { return }
    (committed, since) = (totals.lines, .now)
    try tell("{\"committed\":\(committed)}")
  }

  private func refuse(_ reason: String) {
    totals.badLines += 1
    answers.append(
      .object(["line": .number(Double(totals.lines)), "error": .string(reason)]))
  }

  // MARK: Lines

  private func take(_ line: UnsafeBufferPointer<UInt8>) throws {
    totals.lines += 1
    if line.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) { return }
    if let error = try refusal(of: line) { refuse(error.message) }
  }

  /// Takes a line, unless it is out of form or contradicts what is recorded: then it says how.
  private func refusal(of line: UnsafeBufferPointer<UInt8>) throws -> ElbowError? {
    if takeMetrics(line) { return nil }
    let points = writer.pointCount
    do {
      let value: JSONValue
      do { value = try JSONValue(lenient: line) } catch {
        throw ElbowError(
          .malformed, "is no JSON: '\(String(decoding: line.prefix(60), as: UTF8.self))'")
      }
      try take(IngestFields(value))
      return nil
    } catch let error as ElbowError where error.code != .newer && !writer.isBroken {
      writer.dropPoints(from: min(points, writer.pointCount))
      return error
    }
  }

  // MARK: Lines from memory

  /// Takes a line that another part of the program has made; `finish` follows the last.
  ///
  /// - Returns: why it was refused; nil: it was taken.
  /// - Throws: as `read`.
  package func take(_ text: String) throws -> ElbowError? {
    if writer.pointCount >= Self.largestGroup { try commit() }
    totals.lines += 1
    now = Int(Date().timeIntervalSince1970 * 1000)
    var bytes = Array(text.utf8)
    // What reads numbers wants a byte behind the line.
    bytes.append(0x0A)
    return try bytes.withUnsafeBufferPointer {
      try refusal(of: UnsafeBufferPointer(rebasing: $0.dropLast()))
    }
  }

  /// Puts what was taken on the disk; runs that neither ended nor are kept elsewhere are interrupted.
  ///
  /// - Throws: as `read`.
  package func finish() throws {
    try commit()
    writer.endAll()
    try commit()
    try writer.finishCode()
  }

  /// Runs and points that were recorded for the first time.
  package var recorded: (runs: Int, points: Int) { (writer.recordedRuns, writer.recordedPoints) }

  private static let labelFields = ["type", "run", "name", "group", "note", "tags"]
  static let metricFields = ["type", "run", "step", "time", "values"]
  private static let endFields = [
    "type", "run", "status", "error", "seconds", "cpu_seconds", "peak_memory", "energy",
    "gpu_energy",
    "gpu_memory", "time",
  ]

  /// The members of every type of line.
  package static let fields = [
    "run": IngestedRun.fields, "image": IngestedImage.fields, "metrics": metricFields,
    "labels": labelFields, "end": endFields,
  ]

  private func take(_ fields: consuming IngestFields) throws {
    if let version = try fields.count("elbow") {
      guard version <= Self.version else {
        throw ElbowError(
          .newer, "the lines are of version \(version), this Elbow reads \(Self.version): update it"
        )
      }
      return try fields.finish(["elbow"])
    }
    let type = try fields.neededText("type")
    let key = try fields.neededText("run")
    guard !key.isEmpty, key.utf8.count <= 256 else {
      throw ElbowError(.malformed, "'run' must be a text of 1 to 256 bytes")
    }
    switch type {
    case "run": try begin(&fields, key)
    case "image": try takeImage(&fields, writer.index(key))
    case "metrics": try takeMetrics(&fields, writer.index(key))
    case "labels":
      let labels = try RunLabels(&fields)
      try fields.finish(Self.labelFields)
      writer.label(try writer.index(key, isLater: true), labels)
    case "end": try end(&fields, writer.index(key, isLater: true))
    default:
      let types = Self.fields.keys.sorted()
      throw ElbowError(
        .unknownName,
        "no line has the type '\(type)'; there are \(types.joined(separator: ", "))"
          + didYouMean(type, among: types))
    }
  }

  private func begin(_ fields: inout IngestFields, _ key: String) throws {
    let source = (
      dataset: try fields.text("dataset") ?? "unknown", split: try fields.text("split") ?? "test"
    )
    let run = try IngestedRun(&fields, key: key)
    let begun = try writer.begin(run.description)
    let index = try writer.index(key)
    if run.description.header != nil || sources[index] == nil {
      (plans[index], sources[index]) = (run.plan, source)
    }
    answers.append(
      .object([
        "run": .string(key), "id": .string(begun.id), "line": .number(Double(totals.lines)),
        "images": .array(begun.images.map { .number(Double($0)) }),
        "next_step": .number(Double(begun.nextStep)),
      ]))
  }

  private func takeImage(_ fields: inout IngestFields, _ run: Int) throws {
    guard let header = writer.header(of: run), let source = sources[run] else {
      throw ElbowError(.malformed, "its run was begun without 'classes', so it has no images")
    }
    let image = try IngestedImage(&fields, header, plans[run], source: source)
    try writer.add(image.prediction, of: image.input, to: run)
    if image.oddLosses > 0 {
      totals.oddLosses += image.oddLosses
      totals.firstOddLoss = totals.firstOddLoss ?? totals.lines
    }
    if image.contradictsLosses {
      totals.contradictions += 1
      totals.firstContradiction = totals.firstContradiction ?? totals.lines
    }
  }

  private func end(_ fields: inout IngestFields, _ run: Int) throws {
    let text = try fields.text("status") ?? "finished"
    guard let status = RunEnding.Status(rawValue: text) else {
      throw ElbowError(
        .unknownName, "'status' must be finished, failed or interrupted, got '\(text)'")
    }
    var ending = RunEnding(
      status: status, error: try fields.text("error"),
      wallSeconds: try fields.amount("seconds") ?? .nan,
      cpuSeconds: try fields.amount("cpu_seconds") ?? .nan,
      peakMemory: try fields.count("peak_memory") ?? 0)
    ending.energy = try fields.amount("energy")
    ending.gpuEnergy = try fields.amount("gpu_energy")
    ending.gpuMemory = try fields.count("gpu_memory")
    let time = try fields.time("time")
    try fields.finish(Self.endFields)
    try writer.end(run, ending, at: time)
    // Whoever goes on without beginning it again is told so.
    last = ([], -1)
  }
}
