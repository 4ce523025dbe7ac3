import Basics
import RunStore

/// The runs of MLflow's SQLite file, as `mlflow.db`.
package struct MLflowDatabase: TrackerSource {
  private let path: String
  private let experiments: [String]

  /// - Parameter experiments: names of those to read; empty: all.
  package init(_ path: String, experiments: [String] = []) {
    (self.path, self.experiments) = (path, experiments)
  }

  package func read(into lines: SourceLines) throws {
    let file = try ForeignFile(path, having: ["experiments", "runs", "metrics", "params", "tags"])
    let names = try file.pairs("SELECT experiment_id, name FROM experiments")
    for name in experiments where !names.values.contains(name) {
      throw ElbowError(
        .unknownName,
        "\(path): there is no experiment '\(name)'" + didYouMean(name, among: Array(names.values)))
    }
    let datasets =
      try file.tables.isSuperset(of: ["inputs", "datasets"])
      ? file.lists(
        """
        SELECT destination_id, name || ' (' || digest || ')'
        FROM inputs JOIN datasets ON dataset_uuid = source_id
        WHERE destination_type = 'RUN' ORDER BY 1, 2
        """) : [:]
    var runs: [MLflowRun] = []
    try file.forEachRow(
      """
      SELECT run_uuid, experiment_id, name, status, start_time, end_time FROM runs
      WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid
      """
    ) { row in
      let experiment = names[row[1].text(null: "")] ?? row[1].text(null: "")
      guard experiments.isEmpty || experiments.contains(experiment), let id = row[0].string else {
        return
      }
      runs.append(
        MLflowRun(
          id: id, experiment: experiment, name: row[2].string, status: row[3].text(null: ""),
          started: row[4].number.map { Int(nearest: $0) },
          ended: row[5].number.map { Int(nearest: $0) }, datasets: datasets[id] ?? []))
    }
    for index in runs.indices {
      runs[index].parameters = try file.pairs(
        "SELECT key, value FROM params WHERE run_uuid = ?", [runs[index].id])
      runs[index].tags = try file.pairs(
        "SELECT key, value FROM tags WHERE run_uuid = ?", [runs[index].id])
    }
    let all = MLflowRuns(runs)
    for run in all.all {
      let place = "\(path): run \(run.id)"
      try all.write(run, at: place, to: lines) { key in
        try file.forEachRow(
          """
          SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ?
          ORDER BY key, timestamp, step, value
          """, [run.id]
        ) { row in
          let name = row[0].text(null: "")
          guard let value = row[4] == .integer(1) ? .nan : row[3].number,
            let step = row[1].number
          else { return lines.problem("\(place), metric \(name): a value or step is no number") }
          try lines.point(
            of: key, name, step: Int(nearest: step), time: row[2].number.map { Int(nearest: $0) },
            value.infinityRestored
          ) { "\(place), metric \(name)" }
        }
      }
    }
  }
}
