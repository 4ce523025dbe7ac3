import Analysis
import Evaluation
import Foundation
import Records
import RunStore

/// The cells of a sweep with what is recorded of them and what is left to be done.
struct SweepPlan {
  /// Where a cell stands.
  enum State: Equatable {
    case new
    /// Recorded as finished.
    case done(String)
    /// Broken off after so many images.
    case begun(String, Int)
    /// Being run by another process.
    case running(String)
  }

  /// Where the seconds come from.
  enum Origin: String { case runs, probe }

  /// One cell.
  struct Cell {
    var values: SweepCell
    var label: String
    var recording: Recording
    var header: RunHeader
    var cost: ExpectedCost
    /// Evaluations an image, as recorded runs of the configuration made; nil: none is recorded, or
    /// the plan is exact.
    var recordedEvaluations: Double?
    var state: State
    /// That the whole cell takes.
    var seconds = 0.0
    var origin = Origin.probe

    /// That are left.
    var secondsLeft: Double {
      switch state {
      case .done, .running: 0
      case .new: seconds
      case .begun(_, let done):
        seconds * Double(header.inputs.count - done) / Double(header.inputs.count)
      }
    }
  }

  /// In the order run.
  private(set) var cells: [Cell] = []
  /// Cells that ask the same as one before.
  private(set) var repeated = 0
  private let flags: [String]
  private let group: String
  let database: String
  private let again: Bool
  /// The code at hand.
  let code = CurrentCode()

  /// Resolves the cells of a sweep, looks for what is recorded of them, and estimates the rest.
  ///
  /// - Parameters:
  ///   - constants: flags that do not tell cells apart where one has none.
  ///   - template: what the recordings of all cells have in common.
  ///   - again: whether finished cells are run again.
  /// - Throws: `ConfigurationError`, naming the first cell that cannot be run, and what reading files
  ///   and database throws.
  init(
    _ values: [SweepCell], constants: Set<String>, _ template: Recording, _ work: SharedWork,
    again: Bool
  ) throws {
    flags = SweepCell.varying(values, constants: constants)
    group = template.group ?? ""
    database = template.database
    self.again = again
    var known: Set<String> = []
    for (number, cell) in values.enumerated() {
      let label = cell.label(flags)
      do {
        var recording = template
        recording.request = try cell.request().request()
        recording.name = [template.name, label.isEmpty ? nil : label].compactMap(\.self)
          .joined(separator: ": ")
        if recording.name?.isEmpty ?? false { recording.name = nil }
        let prepared = try recording.prepare(work)
        guard known.insert(try Self.identity(prepared.header)).inserted else {
          repeated += 1
          continue
        }
        cells.append(
          Cell(
            values: cell, label: label, recording: recording, header: prepared.header,
            cost: try prepared.plan.expectedCost(), state: .new))
      } catch let error where !(error is CancellationError) {
        throw ConfigurationError(
          "cell \(number + 1) of \(values.count)\(label.isEmpty ? "" : " (\(label))"): \(error)")
      }
    }
    for i in cells.indices { cells[i].state = try state(of: cells[i]) }
    try estimate(work)
  }

  /// What decides a cell's results.
  private static func identity(_ header: RunHeader) throws -> String {
    let attack = try header.attack.map { try JSONValue(encoding: $0).canonical } ?? ""
    let inputs = SHA256.hexDigest(of: header.inputs.map(\.sha256).joined())
    return [
      try header.configuration.fingerprint(), attack, "\(header.seed)",
      "\(header.attackSeed ?? 0)", header.inputsRun ?? "", inputs, "\(header.recordsLosses)",
    ].joined(separator: " ")
  }

  /// Where a cell stands now.
  ///
  /// - Throws: `RunStoreError`.
  func state(of cell: Cell) throws -> State {
    guard FileManager.default.fileExists(atPath: database) else { return .new }
    let runs = try RunStore(database, for: .read).precedents(of: cell.header, code: code)
      .filter(\.isSameCode)
    if !again, let run = runs.first(where: { $0.status == "finished" }) { return .done(run.id) }
    let own = runs.filter { $0.group == group && $0.status != "finished" }
    if let run = own.first(where: { $0.status == "running" }) { return .running(run.id) }
    guard !again, let run = own.max(by: { $0.done < $1.done }) else { return .new }
    return .begun(run.id, run.done)
  }

  // MARK: Seconds

  private mutating func estimate(_ work: SharedWork) throws {
    let store =
      FileManager.default.fileExists(atPath: database) ? try RunStore(database, for: .read) : nil
    var rates: [String: (seconds: Double, origin: Origin)] = [:]
    for i in cells.indices {
      let header = cells[i].header
      let c = header.configuration
      let kind = "\(c.classifier.rawValue) \(c.model) \(c.lmModel ?? "")"
      let needed = cells[i].secondsLeft == 0 && cells[i].state != .new
      if rates[kind] == nil {
        if let seconds = try store?.secondsPerUnit(of: header, units: ExpectedCost.units) {
          rates[kind] = (seconds, .runs)
        } else if !needed {
          rates[kind] = (
            try SpeedProbe.secondsPerEvaluation(
              cells[i].recording.request, workers: work.workers, batch: header.batch,
              files: work.files), .probe
          )
        }
      }
      guard let rate = rates[kind] else { continue }
      if cells[i].cost.isBound, let store {
        cells[i].recordedEvaluations = try Self.evaluations(header, store)
      }
      let saved =
        cells[i].recordedEvaluations.map { Double(cells[i].cost.own.evaluations) - $0 } ?? 0
      let units = max(cells[i].cost.units - saved * (header.attack == nil ? 1 : 2), 0)
      cells[i].seconds = rate.seconds * units * Double(header.inputs.count)
      cells[i].origin = rate.origin
    }
  }

  /// Evaluations an image that runs and replays of the configuration made.
  private static func evaluations(_ header: RunHeader, _ store: RunStore) throws -> Double? {
    let fingerprint = try header.configuration.fingerprint()
    let runs = try store.query(
      "runs", where: RowFilter("fingerprint = '\(fingerprint)' AND n_done > 0"),
      columns: ["nfe_per_image", "n_done"])
    let sums = runs.rows.reduce(into: (evaluations: 0.0, images: 0.0)) { sums, row in
      guard let each = row[0].number, let n = row[1].number else { return }
      sums = (sums.evaluations + each * n, sums.images + n)
    }
    return sums.images > 0 ? sums.evaluations / sums.images : nil
  }

  // MARK: Tables

  /// One row a cell, as numbers.
  var table: ResultTable {
    let values = SweepCell.table(cells.map(\.values), flags)
    let rows = cells.enumerated().map { number, cell -> [Value] in
      var run: Value = .null
      var state = "new"
      switch cell.state {
      case .new: break
      case .done(let id): (state, run) = ("done", .text(id))
      case .begun(let id, _): (state, run) = ("begun", .text(id))
      case .running(let id): (state, run) = ("running", .text(id))
      }
      func integer(_ value: Int?) -> Value { value.map { .integer(Int64($0)) } ?? .null }
      return [integer(number + 1)] + values.rows[number] + [
        integer(cell.header.inputs.count),
        cell.recordedEvaluations.map { .real($0) } ?? integer(cell.cost.own.evaluations),
        integer(cell.cost.own.gradients), integer(cell.cost.attack?.evaluations),
        integer(cell.cost.attack?.gradients),
        integer(cell.cost.isBound && cell.recordedEvaluations == nil ? 1 : 0),
        .real(cell.secondsLeft),
        cell.secondsLeft > 0 ? .text(cell.origin.rawValue) : .null, .text(state), run,
      ]
    }
    return ResultTable(
      columns: ["cell"] + values.columns + [
        "images_in_cell", "nfe_per_image", "gradients_per_image", "attack_nfe_per_image",
        "attack_gradients_per_image", "is_bound", "seconds_left", "seconds_from", "state", "run",
      ], rows: rows)
  }

  /// One row a cell, for reading.
  var summary: ResultTable {
    let full = table
    func text(_ i: Int, _ column: String) -> String? {
      full[i, column].number.map { String(format: "%.0f", $0) }
    }
    var result = ResultTable(
      columns: ["cell"] + flags,
      rows: cells.indices.map { i in
        [full[i, "cell"]] + flags.map { cells[i].values[$0].map { .text($0) } ?? .null }
      })
    result = result.appending("n", cells.map { .integer(Int64($0.header.inputs.count)) })
    result = result.appending(
      "NFE",
      cells.indices.map { i in
        .text((full[i, "is_bound"] == .integer(1) ? "≤ " : "") + (text(i, "nfe_per_image") ?? ""))
      })
    for (heading, column) in [
      ("gradients", "gradients_per_image"), ("attack NFE", "attack_nfe_per_image"),
      ("attack gradients", "attack_gradients_per_image"),
    ] where full.rows.indices.contains(where: { full[$0, column].number ?? 0 > 0 }) {
      result = result.appending(
        heading, full.rows.indices.map { text($0, column).map { .text($0) } ?? .null })
    }
    return result.appending(
      "time",
      cells.map { cell in
        cell.secondsLeft > 0 ? .text(Progress.clock(cell.secondsLeft)) : .null
      }
    ).appending(
      "from", cells.map { $0.secondsLeft > 0 ? .text($0.origin.rawValue) : .null }
    ).appending(
      "state",
      cells.map { cell in
        switch cell.state {
        case .new: .text("new")
        case .done(let id): .text("done: \(id.prefix(RunSummary.shortID))")
        case .begun(let id, let done): .text("\(done) done: \(id.prefix(RunSummary.shortID))")
        case .running(let id): .text("running: \(id.prefix(RunSummary.shortID))")
        }
      })
  }

  /// One line on the whole.
  var total: String {
    func count(_ match: (State) -> Bool) -> Int { cells.count { match($0.state) } }
    var parts = [
      "\(count { if case .done = $0 { true } else { false } }) done",
      "\(count { if case .begun = $0 { true } else { false } }) begun",
      "\(count { if case .running = $0 { true } else { false } }) running elsewhere",
      "\(count { $0 == .new }) new",
    ].filter { !$0.hasPrefix("0 ") }
    if repeated > 0 { parts.append("\(repeated) left out that ask the same as another") }
    let left = cells.filter { $0.secondsLeft > 0 }
    let seconds = left.reduce(0) { $0 + $1.secondsLeft }
    let origins = Set(left.map(\.origin)).map { origin in
      origin == .runs ? "from recorded runs on this machine" : "from a measured probe"
    }.sorted()
    return "\(cells.count) cells: \(parts.joined(separator: ", "))"
      + (left.isEmpty
        ? "" : "; about \(Progress.clock(seconds)), \(origins.joined(separator: " and "))")
  }
}

/// A value of a table, where `Cell` is a sweep's.
private typealias Value = Records.Cell
