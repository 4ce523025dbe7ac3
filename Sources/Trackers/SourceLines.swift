import Basics
import Foundation
import Records

/// Runs of another tracker, read from where it keeps them.
package protocol TrackerSource {
  /// Says all that is known of the runs.
  ///
  /// What is wrong with one run, or with a part of it, is a problem to be told; the others follow.
  ///
  /// - Throws: `ElbowError` where the source as a whole cannot be read.
  func read(into lines: SourceLines) throws
}

/// A line as `elbow ingest` takes it.
package struct SourceLine {
  /// JSON.
  package let text: String
  /// Key of its run.
  package let key: String
  /// Whether it begins the run.
  package let begins: Bool
  /// Where it is from, as `mlruns/0/8f…/metrics/loss, line 3`.
  package let place: () -> String
}

/// What a source knows of a run before its metrics.
struct SourceRun {
  /// A text that is its own for ever.
  var key: String
  /// Milliseconds since 1970, UTC; nil: not known.
  var started: Int?
  var labels = RunLabels()
  var parameters: [String: String] = [:]
}

/// Turns what sources say into the lines of `elbow ingest`.
///
/// Parameters become tags, `params.` before their names. Names of metrics are cleaned of what Elbow's
/// may not contain, once said.
package final class SourceLines {
  private let take: (SourceLine) throws -> Void
  private let tellProblem: (String) -> Void
  private let tell: (String) -> Void
  /// Names of metrics as they were cleaned, by run and name.
  private var cleaned: [String: [String: String]] = [:]
  private var told: Set<String> = []

  /// Lines that go to `take`.
  ///
  /// - Parameters:
  ///   - take: takes each line.
  ///   - problem: takes what is wrong, and where.
  ///   - note: takes what was changed to be taken.
  package init(
    _ take: @escaping (SourceLine) throws -> Void, problem: @escaping (String) -> Void,
    note: @escaping (String) -> Void
  ) { (self.take, tellProblem, tell) = (take, problem, note) }

  /// Says what is wrong with a part of the source, and where.
  func problem(_ text: String) { tellProblem(text) }

  /// Begins a run, or goes on with one; tags and parameters that have come meanwhile are added.
  func begin(_ run: SourceRun, at place: String) throws {
    var tags = run.labels.tags
    for (name, value) in run.parameters { tags["params.\(name)"] = value }
    var members: [String: JSONValue] = [
      "run": .string(run.key),
      "started": .number((run.started.map(Double.init) ?? Self.now) / 1000),
      "tags": .object(tags.mapValues { .string($0) }),
    ]
    for (key, text) in [
      ("name", run.labels.name), ("group", run.labels.group), ("note", run.labels.note),
    ] {
      members[key] = text.flatMap { $0.isEmpty ? nil : .string($0) }
    }
    func line(_ type: String, _ members: [String: JSONValue], begins: Bool) throws {
      let text = JSONValue.object(members.merging(["type": .string(type)]) { $1 }).canonical
      try take(SourceLine(text: text, key: run.key, begins: begins) { place })
    }
    try line("run", members, begins: true)
    guard !tags.isEmpty else { return }
    try line("labels", members.filter { ["run", "tags"].contains($0.key) }, begins: false)
  }

  /// Milliseconds since 1970.
  private static var now: Double { (Date().timeIntervalSince1970 * 1000).rounded() }

  /// Adds a value of a metric.
  ///
  /// - Parameter time: milliseconds since 1970, UTC; nil: not known.
  func point(
    of key: String, _ name: String, step: Int, time: Int?, _ value: Double,
    at place: @escaping () -> String
  ) throws {
    let name = cleaned[key]?[name] ?? clean(name, of: key)
    let number =
      value.isNaN ? "null" : value.isFinite ? "\(value)" : value > 0 ? "Infinity" : "-Infinity"
    let time = time.map { ",\"time\":\(Double($0) / 1000)" } ?? ""
    let text =
      "{\"type\":\"metrics\",\"run\":\(JSONValue.canonical(string: key)),\"step\":\(step)\(time),"
      + "\"values\":{\(JSONValue.canonical(string: name)):\(number)}}"
    try take(SourceLine(text: text, key: key, begins: false, place: place))
  }

  /// A name without what no metric's may contain, and that no other of the run has.
  private func clean(_ name: String, of key: String) -> String {
    var clean = String(name.map { $0.isWhitespace || "=()\"`".contains($0) ? "_" : $0 })
    while cleaned[key]?.values.contains(clean) == true { clean += "_2" }
    cleaned[key, default: [:]][name] = clean
    if clean != name, told.insert(name).inserted {
      tell("the metric '\(name)' is called '\(clean)' here")
    }
    return clean
  }

  /// Ends a run.
  ///
  /// - Parameter time: milliseconds since 1970, UTC; nil: now.
  func end(
    _ key: String, _ status: RunEnding.Status, error: String? = nil, time: Int?, at place: String
  ) throws {
    cleaned[key] = nil
    var members: [String: JSONValue] = [
      "type": .string("end"), "run": .string(key), "status": .string(status.rawValue),
    ]
    members["error"] = error.map { .string($0) }
    members["time"] = time.map { .number(Double($0) / 1000) }
    try take(
      SourceLine(text: JSONValue.object(members).canonical, key: key, begins: false) { place })
  }
}

extension RunEnding.Status {
  /// What trackers call the ends of runs; nil: not over yet, or no such word.
  private static let words: [String: RunEnding.Status] = [
    "finished": .finished, "completed": .finished, "complete": .finished, "success": .finished,
    "succeeded": .finished, "done": .finished, "failed": .failed, "error": .failed,
    "crashed": .failed, "killed": .interrupted, "interrupted": .interrupted,
    "canceled": .interrupted, "cancelled": .interrupted, "stopped": .interrupted,
  ]

  /// How a run ended, by the word of any tracker; nil for a run that has not.
  ///
  /// - Throws: `ElbowError` for a word that none of them has.
  init?(word: String) throws {
    let word = word.lowercased()
    if ["running", "scheduled", "pending", ""].contains(word) { return nil }
    guard let status = Self.words[word] else {
      throw ElbowError(
        .malformed,
        "the status '\(word)' is not known; there are running, finished, failed and killed")
    }
    self = status
  }
}
