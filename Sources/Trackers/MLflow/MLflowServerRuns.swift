import Basics

/// The runs of a tracking server.
package struct MLflowServerRuns: TrackerSource {
  private let server: MLflowServer
  private let experiments: [String]

  /// - Parameter experiments: names of those to read; empty: all.
  package init(_ server: MLflowServer, experiments: [String] = []) {
    (self.server, self.experiments) = (server, experiments)
  }

  /// Experiments that a search names at most.
  private static let experimentsAtOnce = 100
  /// Histories that are asked for at once.
  private static let historiesAtOnce = 64
  /// Points of a page of a history.
  static let pointsAtOnce = 5000

  package func read(into lines: SourceLines) throws {
    let names = try chosen()
    var runs: [MLflowRun] = []
    // Which metrics each has.
    var metrics: [String: [String]] = [:]
    let ids = names.keys.sorted()
    for first in stride(from: 0, to: ids.count, by: Self.experimentsAtOnce) {
      let some = ids[first..<min(first + Self.experimentsAtOnce, ids.count)]
      for value in try server.all(
        "runs/search", ["experiment_ids": .array(some.map { .string($0) })], "runs")
      {
        guard let run = MLflowRun(value, experiments: names) else {
          lines.problem("\(server.address): a run has no id, status or experiment")
          continue
        }
        runs.append(run)
        metrics[run.id] = value["data"]["metrics"].items.compactMap { $0["key"].text }.sorted()
      }
    }
    let all = MLflowRuns(runs)
    var group: [MLflowRun] = []
    var histories = 0
    for run in all.all {
      group.append(run)
      histories += metrics[run.id]?.count ?? 0
      if histories >= Self.historiesAtOnce {
        try write(group, of: all, metrics, to: lines)
        (group, histories) = ([], 0)
      }
    }
    try write(group, of: all, metrics, to: lines)
  }

  /// Names of the experiments by their ids.
  private func chosen() throws -> [String: String] {
    var all: [String: String] = [:]
    for experiment in try server.all("experiments/search", [:], "experiments") {
      if let id = experiment["experiment_id"].text { all[id] = experiment["name"].text ?? id }
    }
    for name in experiments where !all.values.contains(name) {
      throw ElbowError(
        .unknownName,
        "\(server.address): there is no experiment '\(name)'"
          + didYouMean(name, among: Array(all.values)))
    }
    return experiments.isEmpty ? all : all.filter { experiments.contains($0.value) }
  }

  /// Writes some runs, whose histories are read beside one another.
  private func write(
    _ runs: [MLflowRun], of all: MLflowRuns, _ metrics: [String: [String]], to lines: SourceLines
  ) throws {
    var waiting: [(key: String, run: String, metric: String, page: String?)] = []
    for run in runs {
      guard let source = all.source(run) else { continue }
      try lines.begin(source, at: place(run.id))
      waiting += (metrics[run.id] ?? []).map { (source.key, run.id, $0, nil) }
    }
    while !waiting.isEmpty {
      let some = waiting.prefix(Self.historiesAtOnce)
      let answers = try server.answers(
        some.map { history in
          let page = history.page.map { [(name: "page_token", value: $0)] } ?? []
          return MLflowServer.Call(
            reading: "metrics/get-history",
            [
              (name: "run_id", value: history.run), (name: "metric_key", value: history.metric),
              (name: "max_results", value: "\(Self.pointsAtOnce)"),
            ] + page)
        }, reads: true)
      var further = waiting.dropFirst(some.count)
      for (history, answer) in zip(some, answers) {
        for point in answer["metrics"].items {
          try write(point, of: history.metric, history.run, history.key, to: lines)
        }
        if let next = answer["next_page_token"].text, next != history.page {
          further.append((history.key, history.run, history.metric, next))
        }
      }
      waiting = Array(further)
    }
    for run in runs {
      if let key = all.source(run)?.key { try all.end(run, key, at: place(run.id), in: lines) }
    }
  }

  private func place(_ run: String) -> String { "\(server.address): run \(run)" }

  private func write(
    _ point: JSONValue, of metric: String, _ run: String, _ key: String, to lines: SourceLines
  ) throws {
    guard let value = point["value"].measurement else {
      return lines.problem("\(place(run)), metric \(metric): a value is no number")
    }
    try lines.point(
      of: key, metric, step: point["step"].integer ?? 0, time: point["timestamp"].integer,
      value.infinityRestored
    ) { "\(place(run)), metric \(metric)" }
  }
}

extension MLflowRun {
  /// A run as the server tells of it; nil where it says not even which.
  init?(_ value: JSONValue, experiments: [String: String]) {
    let (info, data) = (value["info"], value["data"])
    guard let id = info["run_id"].text ?? info["run_uuid"].text, let status = info["status"].text
    else { return nil }
    let experiment = info["experiment_id"].text ?? ""
    self.init(
      id: id, experiment: experiments[experiment] ?? experiment, name: info["run_name"].text,
      status: status, started: info["start_time"].integer, ended: info["end_time"].integer,
      parameters: data["params"].pairs, tags: data["tags"].pairs,
      datasets: value["inputs"]["dataset_inputs"].items.compactMap {
        guard let name = $0["dataset"]["name"].text else { return nil }
        return $0["dataset"]["digest"].text.map { "\(name) (\($0))" } ?? name
      })
  }
}
