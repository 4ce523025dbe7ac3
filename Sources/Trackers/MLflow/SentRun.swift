import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// A run of Elbow's file as it goes to MLflow.
struct SentRun {
  /// A value of a metric.
  struct Point: Hashable {
    var name: String
    var step: Int
    /// Milliseconds since 1970, UTC.
    var time: Int
    var value: Double
  }

  let id: String
  var name: String
  var group: String?
  /// As `FINISHED`.
  var status: String
  var started: Int
  /// nil: it goes on.
  var ended: Int?
  var parameters: [String: String] = [:]
  var tags: [String: String] = [:]
  var points: [Point] = []
  /// Name, split, and SHA-256 of the images; nil where it has none of its own.
  var dataset: (name: String, split: String, images: Int, digest: String)?
  /// Whether there is something to report and to draw.
  var hasResults = false
  /// Names and texts that are not what they are in the file.
  private(set) var remarks: [String] = []

  /// Columns of `runs` that are results: those of a run are metrics, at the number of images done.
  private static let results = [
    "accuracy", "accuracy_low", "accuracy_high", "n_correct", "nfe_per_image",
    "gradients_per_image", "seconds_per_image", "attack_gradients_per_image",
    "attack_seconds_per_image", "cpu_seconds_per_image", "peak_mebibytes", "joules_per_image",
    "gpu_joules_per_image", "gpu_peak_mebibytes",
  ]
  /// Columns that are no part of the configuration and decide the answers all the same.
  private static let circumstances = [
    "model", "dataset", "split", "images", "seed", "attack_seed", "inputs_run", "replay_of",
    "attack", "norm", "epsilon", "attack_steps", "restarts", "eot", "gradient",
  ]
  private static let statuses = [
    "running": "RUNNING", "finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED",
    "crashed": "FAILED",
  ]

  /// Reads a run.
  ///
  /// - Throws: `ElbowError`.
  init(_ id: String, _ store: RunStore) throws {
    self.id = id
    let row = try store.query(.run(id))
    func text(_ column: String) -> String? { row[0, column].string }
    func moment(_ column: String) -> Int? { text(column).flatMap(Instant.milliseconds) }
    let own = text("fingerprint") != nil
    name = text("name") ?? id
    group = text("group")
    status = Self.statuses[text("status") ?? ""] ?? "FAILED"
    started = moment("started_at") ?? 0
    ended = moment("finished_at")
    if text("status") == "crashed" { ended = ended ?? started }

    var said: [String] = []
    var names = MLflowNames()
    func cut(_ value: String, to length: Int, _ what: String) -> String {
      guard value.count > length else { return value }
      said.append("\(what) of run \(id) has \(value.count) characters; \(length) are sent")
      return String(value.prefix(length))
    }
    var all: [String: String] = [:]
    if own {
      for column in Self.circumstances where row[0, column] != .null {
        all[column] = row[0, column].text(null: "")
      }
      if let json = text("configuration"),
        let value = try? JSONDecoder().decode(JSONValue.self, from: Data(json.utf8)),
        case .object(let members) = value
      {
        for (key, value) in members {
          // The model by its name is there; this is its hash.
          let key = key == "model" ? "model_sha256" : key
          all.merge(value.parameters(named: key)) { $1 }
        }
      }
    }
    for (key, value) in try Self.tags(row) {
      if key.hasPrefix("params."), key.count > "params.".count {
        all[String(key.dropFirst("params.".count))] = value
      } else {
        tags[names(key)] = cut(value, to: MLflowNames.longestTag, "the tag '\(key)'")
      }
    }
    var others = MLflowNames()
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      parameters[others(key)] = cut(
        value, to: MLflowNames.longestParameter, "the parameter '\(key)'")
    }
    tags[MLflowTag.run] = id
    tags[MLflowTag.note] = text("note").map {
      cut($0, to: MLflowNames.longestTag, "the note")
    }
    tags[MLflowTag.error] = text("error").map {
      cut($0, to: MLflowNames.longestTag, "the error")
    }
    if !tags.keys.contains(where: { $0.hasPrefix("mlflow.source.") }) {
      tags[MLflowTag.sourceName] = "elbow"
      tags[MLflowTag.sourceType] = "LOCAL"
      tags[MLflowTag.commit] = text("git_commit")
    }
    var metrics = MLflowNames()
    try readPoints(store, &metrics)
    let done = Int(nearest: row[0, "n_done"].number ?? 0)
    hasResults = own && done > 0
    if hasResults {
      let logged = Set(points.map(\.name))
      for column in Self.results where !logged.contains(column) {
        guard let value = row[0, column].number else { continue }
        points.append(Point(name: column, step: done, time: ended ?? started, value: value))
      }
      dataset = try Self.dataset(id, row, store)
    }
    for names in [names, others, metrics] {
      said += names.changed.map { "'\($0.from)' of run \(id) is called '\($0.to)' there" }
    }
    remarks = said
  }

  private static func tags(_ row: ResultTable) throws -> [(key: String, value: String)] {
    guard let json = row[0, "tags"].string else { return [] }
    let tags = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
    return tags.sorted { $0.key < $1.key }
  }

  /// The points that count, one a step.
  private mutating func readPoints(_ store: RunStore, _ names: inout MLflowNames) throws {
    var points: [Point] = []
    try store.stream("metric-points", ["run": id]) { row in
      guard let name = row[0].string, let step = row[1].number else { return }
      points.append(
        Point(
          name: names(name), step: Int(nearest: step),
          time: row[3].string.flatMap(Instant.milliseconds) ?? started,
          value: row[2].number ?? .nan))
    }
    self.points = points
  }

  private static func dataset(
    _ id: String, _ row: ResultTable, _ store: RunStore
  ) throws -> (name: String, split: String, images: Int, digest: String)? {
    guard let name = row[0, "dataset"].string else { return nil }
    var hash = SHA256()
    for input in try store.recordedRun(id).inputs {
      hash.update("\(input.index) \(input.sha256)\n")
    }
    let images = Int(nearest: row[0, "images"].number ?? 0)
    return (name, row[0, "split"].text(null: ""), images, String(hash.hexDigest().prefix(16)))
  }

  /// Hash of all that is sent: where the server has it, there is nothing to do.
  ///
  /// - Parameter artifacts: whether these are sent.
  func digest(artifacts: Bool) -> String {
    var hash = SHA256()
    let texts: [String] = [
      "1", name, group ?? "", status, "\(started)", "\(ended ?? 0)", "\(artifacts)",
      JSONValue.object(parameters.mapValues { .string($0) }).canonical,
      JSONValue.object(tags.mapValues { .string($0) }).canonical, dataset?.digest ?? "",
    ]
    for text in texts { hash.update(text + "\n") }
    for point in points {
      hash.update("\(point.name)\n\(point.step) \(point.time) \(point.value)\n")
    }
    return hash.hexDigest()
  }
}
