import ArgumentParser
import Basics
import Foundation
import Reporting
import RunStore
import Trackers

/// Records the runs of other trackers.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Record the runs of MLflow, trackio or a table.",
    discussion: """
      Parameters become tags that conditions know as params.NAME, metrics keep their steps and times, \
      and parents become groups. Importing again adds what is new: later points, tags and ends. With \
      --lines nothing is recorded: the lines are printed that 'elbow ingest' takes.

      EXAMPLE:
        elbow import mlflow mlruns
        elbow import trackio my-project.db
        elbow import csv results.csv
      """,
    subcommands: [MLflowImport.self, TrackioImport.self, CSVImport.self])
}

/// What every import is told.
struct ImportOptions: ParsableArguments {
  @Flag(help: "Print the lines for 'elbow ingest'; record nothing.") var lines = false
  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  /// Records the runs of a source, or prints them.
  func take(_ source: some TrackerSource) throws {
    if lines {
      let problems = try Importer.lines(of: source, watch: Output.watch) {
        try Output.writeForeign($0 + "\n")
      }
      return try end(problems)
    }
    let store = try database.record()
    defer { store.close() }
    let totals = try Importer.record(source, into: store, watch: Output.watch)
    Output.progress.end()
    let counts = [totals.runs, totals.new, totals.own, totals.points, totals.problems]
    try format.write(
      ResultTable(
        columns: ["runs", "new", "made_here", "points", "problems"],
        rows: [counts.map { .integer(Int64($0)) }]), keepsAll: true)
    try end(totals.problems)
  }

  private func end(_ problems: Int) throws {
    if problems > 0 { throw ExitCode(1) }
  }
}

/// Records runs of MLflow.
struct MLflowImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mlflow",
    abstract: "Record runs of MLflow: of a server, a folder or its database.",
    discussion: """
      A server is named by its address, with name and password in $MLFLOW_TRACKING_USERNAME and \
      $MLFLOW_TRACKING_PASSWORD or a token in $MLFLOW_TRACKING_TOKEN, and needs curl; a folder is \
      mlruns, or one experiment in it; a database is SQLite's. Deleted runs are left out.

      EXAMPLE:
        elbow import mlflow http://127.0.0.1:5000 --experiment baselines
        elbow import mlflow mlruns
        elbow import mlflow mlflow.db
      """)

  @Argument(help: ArgumentHelp("Address, folder or database.", valueName: "source"))
  var source: String
  @Option(
    help: ArgumentHelp("Experiment to read, may be repeated (default: all).", valueName: "name"))
  var experiment: [String] = []
  @OptionGroup var options: ImportOptions

  func run() throws {
    if MLflowServer.isAddress(source) {
      return try options.take(MLflowServerRuns(MLflowServer(source), experiments: experiment))
    }
    let path = source.hasPrefix("sqlite:///") ? String(source.dropFirst(10)) : source
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ElbowError(
        .missing, "\(source): is no address, as http://127.0.0.1:5000, and no such file or folder")
    }
    if isFolder.boolValue {
      try options.take(MLflowFolder(path, experiments: experiment))
    } else {
      try options.take(MLflowDatabase(path, experiments: experiment))
    }
  }
}

/// Records runs of trackio.
struct TrackioImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trackio", abstract: "Record runs of a project of trackio.",
    discussion: """
      A project is named as in trackio.init, and lies in $TRACKIO_DIR, else below $HF_HOME or \
      ~/.cache/huggingface; or its file is named.

      EXAMPLE:
        elbow import trackio my-project
        elbow import trackio my-project.db
      """)

  @Argument(help: ArgumentHelp("Project or file.", valueName: "project")) var source: String
  @OptionGroup var options: ImportOptions

  func run() throws { try options.take(TrackioFile(source)) }
}

/// Records runs of a table.
struct CSVImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "csv", abstract: "Record runs of a table: a line a run, a step or a value.",
    discussion: """
      The first line names the columns. With columns for metric and value a line is one value; with \
      one for step it is what a run measured at that step; else a line is a run. Columns with these \
      meanings are found by their usual names, and --columns says otherwise: run, name, group, note, \
      status, error, started, ended, step, time, metric, value. Of the others, metrics., params. \
      and tags. before a name say what it is; else columns of numbers are metrics, those of other \
      texts parameters. Tabs may stand for commas. A run is known by the file's name and its own.

      EXAMPLE:
        elbow import csv results.csv --parameters lr,layers
        elbow import csv curves.csv --columns run=experiment,step=epoch
      """)

  @Argument(help: ArgumentHelp("The table.", valueName: "file")) var file: String
  @Option(
    help: ArgumentHelp("Columns by their meaning, as run=experiment.", valueName: "role=column,…"))
  var columns: String?
  @Option(help: ArgumentHelp("Columns that are metrics.", valueName: "names")) var metrics: String?
  @Option(help: ArgumentHelp("Columns that are parameters.", valueName: "names"))
  var parameters: String?
  @OptionGroup var options: ImportOptions

  func run() throws {
    func list(_ text: String?) -> [String] {
      (text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    try options.take(
      CSVFile(
        file, columns: list(columns), metrics: list(metrics), parameters: list(parameters)))
  }
}
