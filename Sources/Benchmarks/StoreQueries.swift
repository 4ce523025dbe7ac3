import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// How long the commands that read take on a file, each a process of its own.
package struct StoreQueries {
  /// The database.
  package let path: String
  /// Repetitions of each.
  package let repeats: Int

  /// The measurement of a file.
  package init(path: String, repeats: Int) { (self.path, self.repeats) = (path, repeats) }

  /// Columns of the rows that the measurements give.
  package static let columns = [
    "command", "median_ms", "worst_ms", "cpu_ms", "plain_ms", "ratio", "goal_ms", "goal_ratio",
    "met",
  ]

  /// Opening, listing, comparing, the trade-off, and every query that is over all runs.
  ///
  /// Whether a goal is met is a matter of the medians; cpu_ms is the median of the CPU time, which
  /// other programs lengthen less. Where a command reads what one statement of the catalogue says,
  /// plain_ms is what bare SQLite takes for it, as `PlainDatabase.read` has it, and ratio the wall time
  /// of the command's process over that of the plain read beside it.
  package func measure() throws -> [[Cell]] {
    let store = try RunStore(path, for: .read)
    // The largest clean runs on the same images: the most that a comparison has to do.
    let ids = try store.query(
      .runs, where: .finishedClean,
      columns: ["id"], order: ["-images"], limit: 4
    ).rows.compactMap { $0[0].string }
    guard ids.count == 4 else {
      throw ElbowError(.inaccessible, "\(path) has fewer than four finished clean runs to compare")
    }
    var rows = [try opening()]
    rows.append(try row(["runs"], goal: 200, like: "runs"))
    rows.append(try row(["runs", "--limit", "20"], goal: 200))
    rows.append(
      try row(["runs", "--where", "accuracy > 80% AND nfe_per_image < 200"], goal: 200))
    rows.append(
      try row(
        ["runs", "--where", "tags.stage = 'final' AND draws = 1", "--sort", "-accuracy"], goal: 200)
    )
    rows.append(try row(["runs", "--format", "json"], goal: 200, like: "runs"))
    rows.append(try row(["compare", ids[0], ids[1]], goal: 200))
    rows.append(try row(["compare"] + ids, goal: 200))
    rows.append(try row(["pareto"], goal: 200, like: "pareto"))
    rows.append(try row(["pareto", "--all", "--where", "classifier = 'dc'"], goal: 200))
    rows.append(
      try row(
        [
          "pareto", "--axes", "nfe,robust-accuracy", "--norm", "linf", "--epsilon", "8/255",
        ], goal: nil))
    rows.append(try row(["show", ids[0]], goal: nil))
    rows.append(try row(["diff", ids[0], ids[1]], goal: nil))
    let dataset = try store.readOnly("SELECT dataset FROM run WHERE id = '\(ids[0])'").rows[0][0]
    let name = dataset.string ?? ""
    rows.append(
      try row(
        ["query", "pareto-front", "dataset=\(name)"], goal: nil, like: "pareto-front",
        ["dataset": .text(name)]))
    for query in ["configurations", "robustness", "hardest"] {
      rows.append(try row(["query", query], goal: nil, like: query))
    }
    rows.append(try row(["query", "health"], goal: nil))
    return rows
  }

  /// Opening the store, the check of its migrations included, within this process.
  private func opening() throws -> [Cell] {
    let times = try (0..<repeats).map { _ in
      try measured(RUSAGE_SELF) {
        _ = try RunStore(path, for: .read)
        return .now
      }
    }
    return cells("opening the file", times, [], goal: 50)
  }

  /// - Parameters:
  ///   - query: of the catalogue, whose statement bare SQLite reads in turns with the command.
  ///   - values: of its parameters; what is missing has its default.
  private func row(
    _ arguments: [String], goal: Double?, like query: String? = nil,
    _ values: [String: PlainDatabase.Value] = [:]
  ) throws -> [Cell] {
    let command = arguments.map { $0.count == 26 ? "ID" : $0.contains(" ") ? "'\($0)'" : $0 }
    let same = query.flatMap { Queries.named($0) }
    let defaults = same?.parameters.compactMap { parameter in
      parameter.fallback.map { (parameter.name, PlainDatabase.Value($0, parameter.kind)) }
    }
    let bound = Dictionary(defaults ?? []) { a, _ in a }.merging(values) { $1 }
    var (times, plain) = ([Time](), [Time]())
    for _ in 0..<repeats {
      times.append(try measured(RUSAGE_CHILDREN) { try finish(arguments) })
      guard let same else { continue }
      plain.append(
        try measured(RUSAGE_SELF) {
          _ = try PlainDatabase.read(path, same.sql, bound)
          return .now
        })
    }
    return cells(command.joined(separator: " "), times, plain, goal: goal)
  }

  /// Wall and CPU time, milliseconds.
  private typealias Time = (wall: Double, cpu: Double)

  /// - Parameter body: gives the moment at which what it measures was over.
  private func measured(
    _ who: __rusage_who, _ body: () throws -> ContinuousClock.Instant
  ) rethrows -> Time {
    func cpu() -> Double {
      var usage = rusage()
      getrusage(__rusage_who_t(who.rawValue), &usage)
      let (user, system) = (usage.ru_utime, usage.ru_stime)
      let seconds = Double(user.tv_sec + system.tv_sec)
      return seconds * 1e3 + Double(user.tv_usec + system.tv_usec) * 1e-3
    }
    let (before, start) = (cpu(), ContinuousClock.now)
    let wall = try (body() - start) / .milliseconds(1)
    return (wall, cpu() - before)
  }

  /// The most that a command may take of what the plain read does.
  private static let goalRatio = 2.0

  private func cells(_ what: String, _ times: [Time], _ plain: [Time], goal: Double?) -> [Cell] {
    let sorted = times.map(\.wall).sorted()
    let cpu = times.map(\.cpu).sorted()
    func tenths(_ value: Double) -> Cell { .real((10 * value).rounded() / 10) }
    let median = sorted[sorted.count / 2]
    let ratios = zip(times, plain).map { $0.wall / $1.wall }.sorted()
    let ratio = ratios.isEmpty ? nil : ratios[ratios.count / 2]
    let isMet = goal.map { median < $0 } ?? true && ratio.map { $0 <= Self.goalRatio } ?? true
    return [
      .text(what), tenths(median), tenths(sorted[sorted.count - 1]), tenths(cpu[cpu.count / 2]),
      plain.isEmpty ? .null : tenths(plain.map(\.wall).sorted()[plain.count / 2]),
      ratio.map { .real((100 * $0).rounded() / 100) } ?? .null,
      goal.map { .integer(Int64($0)) } ?? .null,
      ratio == nil ? .null : .integer(Int64(Self.goalRatio)),
      goal == nil && ratio == nil ? .null : .text(isMet ? "yes" : "no"),
    ]
  }

  /// Runs a process and gives the moment at which it closed its output.
  private func finish(_ arguments: [String]) throws -> ContinuousClock.Instant {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe")
      .resolvingSymlinksInPath()
    process.arguments = arguments + ["--db", path]
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let message = errors.fileHandleForReading.readDataToEndOfFile()
    let end = ContinuousClock.now
    // Foundation looks whether a process has ended every twentieth of a second.
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ElbowError(
        .inaccessible,
        "'elbow \(arguments.joined(separator: " "))' failed: "
          + String(decoding: message, as: UTF8.self).trimmed)
    }
    return end
  }
}
