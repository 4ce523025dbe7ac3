import Basics
import Foundation
import Records

/// The runs of a table: a line a run, a line a step, or a line a value.
package struct CSVFile: TrackerSource {
  private let path: String
  private let given: [String]
  private let metrics: [String]
  private let parameters: [String]

  /// - Parameters:
  ///   - path: the file.
  ///   - columns: columns by their role, as `run=experiment`.
  ///   - metrics, parameters: names of columns that are such.
  package init(
    _ path: String, columns: [String] = [], metrics: [String] = [], parameters: [String] = []
  ) { (self.path, given, self.metrics, self.parameters) = (path, columns, metrics, parameters) }

  /// What was read of a run so far.
  private struct Progress {
    var rows = 0
    /// Points of each metric, of lines that name no step.
    var points: [String: Int] = [:]
    var status: RunEnding.Status? = .finished
    var error: String?
    var last: Int?
  }

  package func read(into lines: SourceLines) throws {
    var columns = try columns()
    columns.decide(isNumeric: try numericColumns())
    var reader = try CSVReader(path)
    guard let header = try reader.next()?.fields else { return }
    let changed = changed
    var runs: [String: Progress] = [:]
    var order: [String] = []
    while let (fields, number) = try reader.next() {
      let place = "\(path), line \(number)"
      guard fields.count == header.count else {
        lines.problem("\(place): has \(fields.count) fields, and the first line \(header.count)")
        continue
      }
      let row = Row(fields, columns.roles)
      let key = key(row, number, isPoint: columns.isLong || columns.roles[.step] != nil)
      if runs[key] == nil {
        let started = row.time(.started) ?? row.time(.time) ?? changed
        try lines.begin(run(key, row, columns, started: started), at: place)
        runs[key] = Progress()
        order.append(key)
      }
      guard var progress = runs[key] else { continue }
      let time = row.time(.time) ?? row.time(.started) ?? changed
      try write(row, of: key, &progress, columns, at: place, time, to: lines)
      runs[key] = progress
    }
    for key in order {
      guard let progress = runs[key], let status = progress.status else { continue }
      try lines.end(key, status, error: progress.error, time: progress.last ?? changed, at: path)
    }
  }

  /// When the file was written, which stands for the times that it does not tell.
  private var changed: Int? {
    (try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
      .map { Int($0.timeIntervalSince1970 * 1000) }
  }

  /// A line's fields.
  private struct Row {
    let fields: [String]
    private let roles: [CSVColumns.Role: Int]

    init(_ fields: [String], _ roles: [CSVColumns.Role: Int]) {
      (self.fields, self.roles) = (fields, roles)
    }

    /// What stands in the column of a role; nil: nothing, or there is none.
    subscript(_ role: CSVColumns.Role) -> String? {
      roles[role].flatMap { fields[$0].trimmed.isEmpty ? nil : fields[$0] }
    }

    func time(_ role: CSVColumns.Role) -> Int? { self[role].flatMap(Instant.milliseconds) }
  }

  private func columns() throws -> CSVColumns {
    var reader = try CSVReader(path)
    guard let header = try reader.next()?.fields else {
      throw ElbowError(.damaged, "\(path): is empty; its first line names the columns")
    }
    guard Set(header.filter { !$0.isEmpty }).count == header.count(where: { !$0.isEmpty }) else {
      throw ElbowError(.damaged, "\(path), line 1: names a column twice")
    }
    return try CSVColumns(
      header, given: given, metrics: metrics, parameters: parameters, path: path)
  }

  /// Which columns have numbers only.
  private func numericColumns() throws -> (Int) -> Bool {
    var reader = try CSVReader(path)
    let count = try reader.next()?.fields.count ?? 0
    var (numbers, others) = (Set<Int>(), Set<Int>())
    while let (fields, _) = try reader.next() {
      for (place, field) in fields.prefix(count).enumerated() where !field.trimmed.isEmpty {
        if Double(field.trimmed) == nil { others.insert(place) } else { numbers.insert(place) }
      }
    }
    return { [numbers, others] in numbers.contains($0) && !others.contains($0) }
  }

  /// A text that is the run's own for ever: an id of Elbow's, else the file's name with the run's;
  /// lines that name none are of one run where they are points, else each is one.
  private func key(_ row: Row, _ number: Int, isPoint: Bool) -> String {
    if let run = row[.run], ULID.isID(run) { return run }
    let file = URL(fileURLWithPath: path).lastPathComponent
    let run = row[.run] ?? (isPoint ? "" : "line \(number)")
    return String("csv \(file) \(run)".prefix(200))
  }

  private func run(
    _ key: String, _ row: Row, _ columns: CSVColumns, started: Int?
  ) -> SourceRun {
    var run = SourceRun(key: key, started: started)
    let file = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let name = row[.name] ?? row[.run]
    run.labels = RunLabels(
      name: name == key ? nil : name ?? file, group: row[.group], note: row[.note])
    for (place, name, kind) in columns.others where !row.fields[place].trimmed.isEmpty {
      switch kind {
      case .parameter: run.parameters[name] = row.fields[place]
      case .tag: run.labels.tags[name] = row.fields[place]
      case .metric, nil: break
      }
    }
    return run
  }

  /// Writes the points of a line.
  private func write(
    _ row: Row, of key: String, _ progress: inout Progress, _ columns: CSVColumns,
    at place: String, _ time: Int?, to lines: SourceLines
  ) throws {
    var values = columns.others.filter { $0.kind == .metric }
      .map { ($0.name, row.fields[$0.place].trimmed) }
    if let metric = row[.metric], let value = row[.value] { values.append((metric, value.trimmed)) }
    for (name, text) in values where !text.isEmpty {
      guard let value = Double(text) else {
        lines.problem("\(place): '\(name)' is '\(text.prefix(60))', and no number")
        continue
      }
      let counted = columns.isLong ? progress.points[name] ?? 0 : progress.rows
      progress.points[name, default: 0] += 1
      let step = row[.step].map { Double($0).flatMap { Int(exactly: $0) } } ?? counted
      guard let step else {
        lines.problem("\(place): the step '\(row[.step] ?? "")' is no whole number")
        continue
      }
      try lines.point(of: key, name, step: step, time: time, value) { place }
    }
    progress.rows += 1
    progress.last = row.time(.ended) ?? row.time(.time) ?? progress.last
    progress.error = row[.error] ?? progress.error
    guard let word = row[.status] else { return }
    do { progress.status = try RunEnding.Status(word: word.trimmed) } catch let error as ElbowError
    {
      lines.problem("\(place): \(error.message)")
    }
  }
}
