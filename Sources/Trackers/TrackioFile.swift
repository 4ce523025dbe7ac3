import Basics
import Foundation
import RunStore

/// The runs of a project of trackio, which keeps each in an SQLite file.
package struct TrackioFile: TrackerSource {
  private let path: String
  private let project: String

  /// - Parameters:
  ///   - source: a file, or the name of a project, which lies where trackio keeps it.
  ///   - environment: says where that is: `TRACKIO_DIR`, else below `HF_HOME` or the home folder.
  package init(
    _ source: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let isFile = FileManager.default.fileExists(atPath: source)
    let home = environment["HOME"] ?? ""
    let folder =
      environment["TRACKIO_DIR"]
      ?? (environment["HF_HOME"] ?? "\(home)/.cache/huggingface") + "/trackio"
    // As trackio names a project's file.
    let plain = source.filter { $0.isLetter || $0.isNumber || "-_".contains($0) }
    let name = plain.isEmpty ? "default" : plain
    path = isFile ? source : "\(folder)/\(name).db"
    project =
      isFile ? URL(fileURLWithPath: source).deletingPathExtension().lastPathComponent : name
    guard FileManager.default.fileExists(atPath: path) else {
      throw ElbowError(.missing, "\(source): no such file, and no project at \(path)")
    }
  }

  package func read(into lines: SourceLines) throws {
    let file = try ForeignFile(path, having: ["metrics"])
    // Older ones know a run by its name.
    let run = try file.columns(of: "metrics").contains("run_id") ? "run_id" : "run_name"
    var configurations: [String: JSONValue] = [:]
    if file.tables.contains("configs") {
      try file.forEachRow("SELECT \(run), config FROM configs") { row in
        guard let id = row[0].string else { return }
        configurations[id] = json(row[1])
      }
    }
    var runs: [(id: String, name: String, first: Int?, last: Int?)] = []
    try file.forEachRow(
      """
      SELECT \(run), run_name, min(timestamp), max(timestamp) FROM metrics
      GROUP BY 1 ORDER BY min(id)
      """
    ) { row in
      guard let id = row[0].string else { return }
      runs.append(
        (
          id, row[1].string ?? id, row[2].string.flatMap(Instant.milliseconds),
          row[3].string.flatMap(Instant.milliseconds)
        ))
    }
    for (id, name, first, last) in runs {
      let place = "\(path): run \(name)"
      var source = SourceRun(key: "trackio \(project) \(id)", started: first)
      source.labels.name = name
      source.labels.tags = ["trackio.project": project]
      describe(&source, configurations[id] ?? .null)
      try lines.begin(source, at: place)
      try file.forEachRow(
        "SELECT step, timestamp, metrics FROM metrics WHERE \(run) = ? ORDER BY id", [id]
      ) { row in
        guard let values = json(row[2]), case .object(let members) = values,
          let step = row[0].number
        else { return lines.problem("\(place): a row of metrics is no JSON, or has no step") }
        let time = row[1].string.flatMap(Instant.milliseconds)
        for (metric, value) in members.sorted(by: { $0.key < $1.key }) {
          try write(value, metric, source.key, Int(nearest: step), time, at: place, to: lines)
        }
      }
      try lines.end(source.key, .finished, time: last, at: place)
    }
  }

  /// Writes a number, and those of an object with dots between the names; texts and tables are no
  /// metrics.
  private func write(
    _ value: JSONValue, _ name: String, _ key: String, _ step: Int, _ time: Int?,
    at place: String, to lines: SourceLines
  ) throws {
    if case .object(let members) = value, members["_type"] == nil {
      for (inner, value) in members.sorted(by: { $0.key < $1.key }) {
        try write(value, "\(name).\(inner)", key, step, time, at: place, to: lines)
      }
    } else if let number = value.measurement {
      try lines.point(of: key, name, step: step, time: time, number) {
        "\(place), metric \(name), step \(step)"
      }
    }
  }

  /// Configuration as parameters; what trackio itself adds begins with `_`.
  private func describe(_ run: inout SourceRun, _ configuration: JSONValue) {
    guard case .object(let members) = configuration else { return }
    run.labels.group = members["_Group"]?.text
    for (key, value) in members where !key.hasPrefix("_") && value != .null {
      run.parameters.merge(value.parameters(named: key)) { first, _ in first }
    }
  }

  /// JSON that is kept as text, or as its bytes.
  private func json(_ cell: Cell) -> JSONValue? {
    let data: Data
    switch cell {
    case .text(let text): data = Data(text.utf8)
    case .blob(let bytes): data = Data(bytes)
    default: return nil
    }
    return try? JSONDecoder().decode(JSONValue.self, from: data)
  }
}
