import Basics
import Records

/// A run as MLflow knows it, wherever it keeps it, without the points of its metrics.
struct MLflowRun {
  var id: String
  /// Name of its experiment.
  var experiment: String
  var name: String?
  /// As `FINISHED`.
  var status: String
  /// Milliseconds since 1970, UTC.
  var started: Int?
  /// The same; nil: it goes on.
  var ended: Int?
  var parameters: [String: String] = [:]
  var tags: [String: String] = [:]
  /// Name and digest of each dataset that went in.
  var datasets: [String] = []
}

/// MLflow's tags, and those that Elbow writes there.
enum MLflowTag {
  static let name = "mlflow.runName"
  static let note = "mlflow.note.content"
  static let parent = "mlflow.parentRunId"
  static let sourceName = "mlflow.source.name"
  static let sourceType = "mlflow.source.type"
  static let commit = "mlflow.source.git.commit"
  /// Id of the run in Elbow's file.
  static let run = "elbow.run"
  /// Name of the group that a parent run stands for.
  static let group = "elbow.group"
  /// Hash of all that was sent of the run last.
  static let sent = "elbow.sent"
  /// What a failed run says of it.
  static let error = "elbow.error"

  /// What has a place of its own in Elbow's file.
  static let placed: Set = [name, note, parent, run, sent, error]
  /// What is said of a run's experiment and datasets where it is recorded as another tracker's.
  static let experiment = "mlflow.experiment"
  static let dataset = "mlflow.dataset"
}

/// All runs of a source, which name one another as parents.
struct MLflowRuns {
  let all: [MLflowRun]
  private let byID: [String: MLflowRun]
  private let parents: Set<String>
  /// Ids that several runs say they have in Elbow's file, as copies do.
  private let claimed: Set<String>

  init(_ runs: [MLflowRun]) {
    all = runs
    byID = Dictionary(runs.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    parents = Set(runs.compactMap { $0.tags[MLflowTag.parent] })
    var (once, twice): (Set<String>, Set<String>) = ([], [])
    for id in runs.compactMap({ $0.tags[MLflowTag.run] }) where !once.insert(id).inserted {
      twice.insert(id)
    }
    claimed = twice
  }

  /// Parents of parents that are followed.
  private static let deepest = 32

  /// Names of a run's parents, the outermost first, with slashes between; nil: it has none.
  private func group(of run: MLflowRun) -> String? {
    var names: [String] = []
    var next = run.tags[MLflowTag.parent]
    while let id = next, let parent = byID[id], names.count < Self.deepest {
      names.insert(parent.tags[MLflowTag.group] ?? parent.name ?? id, at: 0)
      next = parent.tags[MLflowTag.parent]
    }
    return names.isEmpty ? nil : names.joined(separator: "/")
  }

  /// A run as Elbow takes it; nil: it only stands for a group that Elbow sent.
  func source(_ run: MLflowRun) -> SourceRun? {
    if run.tags[MLflowTag.group] != nil, run.tags[MLflowTag.run] == nil { return nil }
    var source = SourceRun(key: "mlflow \(run.id)", started: run.started)
    let own = run.tags[MLflowTag.run].flatMap { ULID.isID($0) && !claimed.contains($0) ? $0 : nil }
    source.key = own ?? source.key
    var tags = run.tags.filter { !MLflowTag.placed.contains($0.key) && !$0.key.isEmpty }
    if own == nil {
      tags[MLflowTag.experiment] = run.experiment
      if !run.datasets.isEmpty {
        tags[MLflowTag.dataset] = run.datasets.joined(separator: ", ")
      }
    } else if tags[MLflowTag.sourceName] == "elbow" {
      for key in [MLflowTag.sourceName, MLflowTag.sourceType, MLflowTag.commit] { tags[key] = nil }
    }
    let name = run.name ?? run.tags[MLflowTag.name]
    source.labels = RunLabels(
      name: name == own ? nil : name, group: group(of: run), note: run.tags[MLflowTag.note],
      tags: tags)
    source.parameters = run.parameters
    return source
  }

  /// Begins a run, hands its key on, and ends it.
  func write(
    _ run: MLflowRun, at place: String, to lines: SourceLines, points: (String) throws -> Void
  ) throws {
    guard let source = source(run) else { return }
    try lines.begin(source, at: place)
    try points(source.key)
    try end(run, source.key, at: place, in: lines)
  }

  /// Ends a run that has ended.
  func end(_ run: MLflowRun, _ key: String, at place: String, in lines: SourceLines) throws {
    do {
      guard let status = try RunEnding.Status(word: run.status) else { return }
      try lines.end(
        key, status, error: run.tags[MLflowTag.error], time: run.ended ?? run.started, at: place)
    } catch let error as ElbowError where error.code == .malformed {
      lines.problem("\(place): \(error.message)")
    }
  }
}

extension Double {
  /// What MLflow's databases, which know no infinity, write in its place.
  var infinityRestored: Double {
    self == .greatestFiniteMagnitude
      ? .infinity : self == -.greatestFiniteMagnitude ? -.infinity : self
  }
}
