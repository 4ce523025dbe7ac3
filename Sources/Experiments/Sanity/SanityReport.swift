import Basics
import Evaluation
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// Whether an attack on a configuration can be believed, check by check.
package struct SanityReport: Sendable {
  /// What came of a check.
  package enum Verdict: String, Sendable {
    case pass, fail
    /// A figure without a bound.
    case told
  }

  /// One check.
  package struct Check: Sendable {
    /// Name, as a metric's.
    package let name: String
    /// What should be.
    package let expected: String
    /// What was seen.
    package let seen: String
    /// The figure.
    package let value: Double?
    /// What came of it.
    package let verdict: Verdict
  }

  /// In order.
  package private(set) var checks: [Check] = []
  /// Images that were attacked.
  package let n: Int

  /// Whether no check failed.
  package var passes: Bool { !checks.contains { $0.verdict == .fail } }

  /// Reads the suite's runs.
  ///
  /// - Parameters:
  ///   - runs: full ids by part, all finished.
  ///   - probe: of the same request.
  /// - Throws: `ElbowError`.
  package init(
    _ suite: SanitySuite, runs: [SanitySuite.Part: String], _ probe: GradientProbe,
    in store: RunStore
  ) throws {
    var stood: [SanitySuite.Part: [Int: Bool]] = [:]
    var clean: Set<Int> = []
    for (part, run) in runs {
      let table = try store.query(
        .predictions(of: run), columns: ["position", "correct", "attacked"])
      for row in table.rows {
        guard let position = row[0].number.flatMap({ Int(exactly: $0) }) else { continue }
        if row[2] == .integer(1) { clean.insert(position) }
        stood[part, default: [:]][position] = row[1] == .integer(1)
      }
    }
    n = clean.count
    let images = clean
    /// Images, right when clean, that stand.
    func left(_ part: SanitySuite.Part) -> Set<Int>? {
      stood[part].map { answers in images.filter { answers[$0] == true } }
    }
    func percent(_ count: Int) -> String {
      images.isEmpty ? "–" : RunSummary.percent(Double(count) / Double(images.count)) + " %"
    }
    let isRandomized = suite.base.configuration.isRandomized
    /// Two points, and one image of few.
    let slack = max(1, Int(0.02 * Double(images.count)))
    func add(
      _ name: String, _ expected: String, _ seen: String, _ value: Double?, _ verdict: Verdict
    ) {
      checks.append(
        Check(name: name, expected: expected, seen: seen, value: value, verdict: verdict))
    }
    let base = left(.steps(SanitySuite.baseSteps)) ?? []
    if let one = left(.oneStep) {
      add(
        "iterative", "iterations break no less than one step",
        "\(percent(base.count)) stand iterations, \(percent(one.count)) one step",
        Double(one.count - base.count), base.count <= one.count + slack ? .pass : .fail)
    }
    let ladder = SanitySuite.ladder.compactMap { steps in left(.steps(steps))?.count }
    if ladder.count >= 2 {
      let change = abs(ladder[ladder.count - 1] - ladder[ladder.count - 2])
      add(
        "steps", "more iterations change nothing",
        ladder.map { percent($0) }.joined(separator: ", ") + " stand at "
          + SanitySuite.ladder.map(String.init).joined(separator: ", "),
        Double(change), change <= slack ? .pass : .fail)
    }
    let budgets = SanitySuite.budgets.compactMap { budget in
      left(.budget(budget))?.count
    }
    if let last = budgets.last {
      let falls = zip(budgets, budgets.dropFirst()).allSatisfy { $0 + slack >= $1 }
      add(
        "budget", "fewer stand the larger the budget, and none the largest",
        budgets.map { percent($0) }.joined(separator: ", ") + " stand at "
          + SanitySuite.budgets.map { JSONValue.canonical(number: $0) }.joined(separator: ", ")
          + " / 255", Double(last), falls && last == 0 ? .pass : .fail)
    }
    for (part, name, what) in [
      (SanitySuite.Part.noise, "noise", "uniform noise breaks"),
      (.queries, "queries", "queries alone break"),
    ] {
      guard let other = left(part) else { continue }
      let beyond = base.subtracting(other).count
      add(
        name, "\(what) nothing that gradients do not",
        "\(beyond.counted("image")) beyond; \(percent(other.count)) stand", Double(beyond),
        beyond <= slack - 1 ? .pass : .fail)
    }
    if let fresh = left(.fresh) {
      add(
        "frozen", "known noise breaks no less than fresh noise",
        "\(percent(base.count)) stand known noise, \(percent(fresh.count)) fresh",
        Double(fresh.count - base.count), base.count <= fresh.count + slack ? .pass : .fail)
    }
    func share(_ value: Double) -> String { RunSummary.percent(value) + " %" }
    add(
      "zeros", "gradients do not vanish", "\(share(probe.zeros)) of their pixels are zero",
      probe.zeros, probe.zeros <= 0.05 ? .pass : .fail)
    add(
      "rise", "the loss rises along the gradient up to the budget",
      "on \(share(probe.rises)) of images, at every quarter", probe.rises,
      probe.rises >= 0.5 ? .pass : .fail)
    add(
      "direction", "a quarter of the budget along the gradient beats random directions",
      "on \(share(probe.beatsRandom)) of images", probe.beatsRandom,
      probe.beatsRandom >= 0.9 ? .pass : .fail)
    add(
      "draws", isRandomized ? "five draws differ" : "five answers are one",
      "\(share(probe.differing)) of images differ", probe.differing,
      (probe.differing > 0) == isRandomized ? .pass : .fail)
    add(
      "finite", "logits are finite, so that softmax of them is a distribution",
      "on \(share(probe.finite)) of images", probe.finite, probe.finite == 1 ? .pass : .fail)
    if let cosine = probe.cosine {
      add(
        "cosine", "cosine of gradients between two draws",
        String(format: "mean %.3f, lowest image %.3f", cosine, probe.leastCosine ?? cosine), cosine,
        .told)
    }
  }

  /// One row a check.
  package var table: ResultTable {
    ResultTable(
      columns: ["check", "verdict", "expected", "seen", "value"],
      rows: checks.map {
        [
          .text($0.name), .text($0.verdict.rawValue), .text($0.expected), .text($0.seen),
          $0.value.map { .real($0) } ?? .null,
        ]
      })
  }

  /// Records the checks as a run of their own: a metric each, 1 and 0 for pass and fail beside.
  ///
  /// - Returns: its id.
  /// - Throws: `ElbowError`.
  package func record(
    _ name: String, group: String, arguments: [String], in store: RunStore
  ) throws -> String {
    var run = ExternalRun(id: ULID.make())
    (run.name, run.group, run.arguments) = (name, group, arguments)
    run.note =
      passes
      ? "all checks pass"
      : "failed: "
        + checks.filter { $0.verdict == .fail }
        .map(\.name).joined(separator: ", ")
    try store.beginExternal(run)
    do {
      var writer = MetricWriter(store, run: run.id)
      var values: [String: Double] = ["sanity.images": Double(n)]
      for check in checks {
        if let value = check.value { values["sanity.\(check.name)"] = value }
        if check.verdict != .told {
          values["sanity.\(check.name).pass"] = check.verdict == .pass ? 1 : 0
        }
      }
      try writer.log(values)
      try writer.flush()
    }
    try store.endExternal(run.id, .finished, error: nil)
    return run.id
  }
}
