import ArgumentParser
import Basics
import Experiments
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics
import Trackers

/// Tables of runs and of what they recorded, in files for other programs, papers and readers.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write runs as tables, a report or arrays, or send them to a tracking server.",
    usage: """
      elbow export [<run> ...] [--where <where>] [-o <file>] [--format <format>]
      elbow export <run> ... --table predictions|class_elbos|losses [-o <file>]
      elbow export <run> --table losses -o losses.npz
      elbow export [<run> ...] [--where <where>] -o report.html
      elbow export <run> ... --format ingest -o <file>
      elbow export --to mlflow [<address>] [<run> ...] [--where <where>]
      """,
    discussion: """
      Without runs and conditions every run is taken. CSV, TSV, JSON and JSON lines have all \
      columns and all digits; Markdown and LaTeX are for reading: accuracy with its 95 % interval, \
      rounded. LaTeX is a fragment for \\input that needs the package booktabs, with the ids of \
      the runs in a comment behind each row. In CSV and TSV an apostrophe stands before a text \
      that a spreadsheet would take for a formula. Rows are written as they are read, so that any \
      number will do; where --limit leaves some out, standard error says how many. HTML is a \
      report in one file: summary, Pareto front, intervals, paired comparisons, confusion, \
      provenance. NPZ is for numpy.load: the losses of one run as an array of images, draws, \
      timesteps and classes, with what its axes are. "datasette" describes the whole database to \
      Datasette, with Elbow's queries; "ingest" writes the lines that 'elbow ingest' reads: what \
      runs asked and answered, an image a line, without losses and pixels, and with --drop elbos \
      without ELBOs, to be kept beside code.

      --to mlflow sends runs to a tracking server: parameters, metrics with all their steps, tags, \
      notes, datasets, times, reports and plots; a group is a parent run there. Sending again sends \
      what is new. The address may be left to $MLFLOW_TRACKING_URI, name and password are \
      $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD, or $MLFLOW_TRACKING_TOKEN; curl does \
      the speaking.

      EXAMPLE:
        elbow export -o runs.csv
        elbow export @last --table predictions --format jsonl
        elbow export @last --table losses -o losses.npz
        elbow export -o report.html
        elbow export --format datasette -o metadata.json
        elbow export @last --format ingest -o records.jsonl
        elbow export --to mlflow http://127.0.0.1:5000 --where "accuracy > 0.9"
      """)

  /// What the rows are.
  enum Table: String, CaseIterable, ExpressibleByArgument {
    case runs, predictions, losses
    case classELBOs = "class_elbos"

    /// The query that gives them, of one run.
    var query: String { rawValue.replacing("_", with: "-") }
  }

  /// How they are written; the name is the file's ending where that is not given.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case csv, tsv, json, jsonl, markdown, latex, html, npz, datasette, ingest

    /// As a table's; nil: a report, arrays, a description.
    var table: TableFormat? { TableFormat(rawValue: rawValue) }

    /// The format that a file's ending means.
    init?(ending: String) {
      let others: [String: Format] = [
        "md": .markdown, "tex": .latex, "ndjson": .jsonl, "htm": .html,
      ]
      guard let format = others[ending] ?? Format(rawValue: ending) else { return nil }
      self = format
    }
  }

  @Argument(
    help: ArgumentHelp("Runs: ids or their beginnings, @last, names, or groups.", valueName: "run"))
  var runs: [String] = []
  @OptionGroup(title: "Which runs") var selection: RunSelection
  @Option(help: "What the rows are: runs, predictions, class_elbos or losses.")
  var table = Table.runs
  @OptionGroup(title: "Which rows and columns") var options: RunTableOptions
  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "File to write, its ending the format (default: standard output).", valueName: "file"))
  var output: String?
  @Option(
    help: ArgumentHelp(
      "csv, tsv, json, jsonl, markdown, latex, html, npz, datasette or ingest (default: the file's, else csv).",
      valueName: "format"))
  var format: Format?
  @OptionGroup(title: "To a server") var tracker: TrackerOptions
  @OptionGroup var database: DatabaseOption

  func validate() throws {
    try tracker.validate(runs, isPlain: table == .runs && output == nil && !options.isGiven)
    guard table != .runs else { return }
    if options.sort != nil || options.groupBy != nil || options.onlyChanged {
      throw ValidationError(
        "--sort, --group-by and --only-changed are for --table runs; the rows of \(table.rawValue) "
          + "come in evaluation order")
    }
  }

  func run() throws {
    if tracker.to != nil { return try send() }
    let format = try resolvedFormat()
    let store = try database.read()
    let filter = try selection.filter(runs, store)
    if format == .datasette {
      guard filter == nil, table == .runs else {
        throw ElbowError(
          .malformed,
          "datasette describes the whole database; leave runs, conditions and --table out")
      }
      return try Output.write(to: output) { try $0(DatasetteMetadata(store).json) }
    }
    if format == .npz { return try writeArrays(store, filter) }
    if format == .ingest { return try writeLines(store, filter) }
    guard let tableFormat = format.table else {
      return try Output.write(to: output) { try $0(report(store, filter)) }
    }
    if table == .runs { return try writeRuns(store, filter, tableFormat) }
    guard filter != nil else {
      throw ElbowError(
        .malformed,
        "say of which runs: elbow export RUN … --table \(table.rawValue), or --where \"…\"")
    }
    try writeRecords(of: store, filter, tableFormat)
  }

  private func resolvedFormat() throws -> Format {
    if let format { return format }
    guard let output else { return .csv }
    let ending = URL(fileURLWithPath: output).pathExtension.lowercased()
    guard let known = Format(ending: ending) else {
      throw ElbowError(
        .malformed,
        "\(output): no format '\(ending)'; end the file's name in csv, tsv, json, jsonl, md, tex, "
          + "html or npz, or give --format")
    }
    return known
  }

  private func writeArrays(_ store: RunStore, _ filter: RowFilter?) throws {
    guard table == .losses, let output, output != "-" else {
      throw ElbowError(
        .malformed, "npz is a file of losses: elbow export RUN --table losses -o FILE.npz")
    }
    guard options.columns == nil, options.drop == nil, options.limit == nil else {
      throw ElbowError(
        .malformed, "npz holds whole arrays; leave --columns, --drop and --limit out")
    }
    let chosen = try filter.map { try store.query(.runs, where: $0) }
    let ids = chosen?.rows.indices.map { chosen?[$0, "id"].text(null: "") ?? "" } ?? []
    guard ids.count == 1 else {
      throw ElbowError(.malformed, "npz holds one run; \(ids.count) are chosen")
    }
    try LossArchive(ids[0], store).write(to: output, watch: Output.watch)
  }

  private func writeLines(_ store: RunStore, _ filter: RowFilter?) throws {
    let dropped = options.drop.map(RunTableOptions.names) ?? []
    guard let filter, table == .runs, options.columns == nil, options.limit == nil,
      dropped.allSatisfy({ $0 == "elbos" })
    else {
      throw ElbowError(
        .malformed,
        "say which runs: elbow export RUN … --format ingest, or --where \"…\"; what can be left out "
          + "are ELBOs: --drop elbos")
    }
    let chosen = try store.query(.runs, where: filter)
    try Output.write(to: output) { write in
      for row in chosen.rows.indices.reversed() {
        try RunLines(chosen[row, .id] ?? "", hasELBOs: dropped.isEmpty, in: store)
          .write { try write($0 + "\n") }
      }
    }
    if chosen.rows.isEmpty { Output.error("elbow: no runs meet the condition") }
  }

  private func report(_ store: RunStore, _ filter: RowFilter?) throws -> String {
    guard table == .runs, options.columns == nil, options.drop == nil, !options.onlyChanged,
      options.groupBy == nil
    else {
      throw ElbowError(
        .malformed,
        "the report has tables and columns of its own; leave --table, --columns, --drop, "
          + "--only-changed and --group-by out")
    }
    let answer = try options.answer(store, where: filter, isForReading: false)
    try reportCut(answer.table.rows.count, try store.count("runs", where: filter), "runs")
    return try RunReport(answer.table, store, database: database.path, watch: Output.watch).html()
  }

  private func writeRuns(_ store: RunStore, _ filter: RowFilter?, _ format: TableFormat) throws {
    let isForReading = format == .markdown || format == .latex
    var answer = try options.answer(store, where: filter, isForReading: isForReading)
    // In LaTeX the ids stand in comments.
    if let note = answer.note { Output.note("elbow: \(note)") }
    if format == .latex, options.columns == nil { answer.table = answer.table.dropping("run") }
    let numeric = answer.table.columns.indices.map { c in
      answer.table.columns[c].contains("accuracy")
        || TableFormat.isNumeric(answer.table.rows, c)
    }
    try Output.write(to: output) { write in
      if format == .latex {
        try write(
          "% Runs of \(database.path.visible), written by Elbow \(elbowVersion); "
            + "needs \\usepackage{booktabs}\n")
      }
      var writer = TableWriter(
        format, columns: answer.table.columns, numeric: numeric, into: write)
      for (row, ids) in zip(answer.table.rows, answer.runs) {
        try writer.append(row, comment: "run \(ids.joined(separator: " "))")
      }
      try writer.finish()
    }
    if options.limit != nil {
      try reportCut(answer.table.rows.count, try store.count("runs", where: filter), "runs")
    }
    if answer.table.rows.isEmpty { Output.error("elbow: no runs meet the condition") }
  }

  /// Images, classes or losses of the runs, one run after the other.
  private func writeRecords(
    of store: RunStore, _ filter: RowFilter?, _ format: TableFormat
  ) throws {
    let chosen = try store.query(.runs, where: filter)
    let ids = chosen.rows.indices.map { chosen[$0, "id"].text(null: "") }
    let all = try store.columns(ofQuery: table.query, ["run": ""])
    let named = options.columns.map(RunTableOptions.names)
    let dropped = RunTableOptions.names(options.drop ?? "").map { $0.lowercased() }
    if let unknown = dropped.first(where: { !all.contains($0) }) {
      throw ElbowError(
        .unknownName,
        "--drop: no column '\(unknown)'" + didYouMean(unknown, among: all))
    }
    let columns = (named ?? all).filter { !dropped.contains($0.lowercased()) }
    guard !columns.isEmpty else {
      throw ElbowError(.unknownName, "--drop leaves no column")
    }
    var missing: [String] = []
    var written = 0
    try Output.write(to: output) { write in
      var writer = TableWriter(format, columns: columns, into: write)
      for id in ids {
        let before = written
        let left = options.limit.map { $0 - written }
        if left == 0 { break }
        try store.stream(table.query, ["run": id], columns: columns, limit: left) {
          try writer.append($0, comment: "run \(id)")
          written += 1
          if written % 10_000 == 0 { Output.watch(WorkUpdate("export", written, of: nil, "rows")) }
        }
        if written == before { missing.append(id) }
      }
      try writer.finish()
    }
    if options.limit != nil {
      let total = try ids.reduce(0) { try $0 + store.count(table.query, ["run": $1]) }
      try reportCut(written, total, "rows")
    }
    for i in chosen.rows.indices {
      let (done, asked) = (chosen[i, .nDone] ?? 0, chosen[i, .images] ?? 0)
      if done < asked {
        Output.error(
          "elbow: run \(ids[i]) has classified \(Int(done)) of its \(Int(asked).counted("image"))")
      }
    }
    for id in missing where table == .losses || table == .classELBOs {
      Output.error("elbow: run \(id) recorded no \(table.rawValue)")
    }
    if ids.isEmpty { Output.error("elbow: no runs meet the condition") }
  }

  /// Says what --limit leaves out.
  private func reportCut(_ written: Int, _ total: Int, _ what: String) throws {
    guard written < total else { return }
    Output.note(
      "elbow: \(written) of \(total) \(what) are written, --limit leaves \(total - written) out")
  }
}
