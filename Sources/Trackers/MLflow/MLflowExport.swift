import Basics
import Foundation
import RunStore

/// Sends runs to a tracking server of MLflow: what it has already is not sent again.
///
/// All runs go into one experiment. A group is a parent run there, under which its runs are listed: it
/// can be made, found and renamed like a run, an experiment cannot be of the same name twice, even
/// deleted, and runs of several groups stay comparable on one page.
package struct MLflowExport {
  /// What became of a run.
  package struct Outcome: Sendable {
    /// Its id in Elbow's file.
    package var run: String
    /// Its id on the server.
    package var id: String
    /// `new`, `updated` or `unchanged`.
    package var state: String
    /// Points that were sent.
    package var points = 0
    /// Files that were sent.
    package var artifacts = 0
  }

  let store: RunStore
  let server: MLflowServer
  private let experiment: String
  private let sendsArtifacts: Bool
  let watch: WorkWatch

  /// - Parameters:
  ///   - experiment: its name; made where there is none.
  ///   - artifacts: whether reports and plots are sent.
  ///   - watch: is told how far the work is, and of what is not sent as it is.
  package init(
    _ store: RunStore, to server: MLflowServer, experiment: String, artifacts: Bool = true,
    watch: WorkWatch = .none
  ) {
    (self.store, self.server, self.experiment) = (store, server, experiment)
    (sendsArtifacts, self.watch) = (artifacts, watch)
  }

  /// Runs whose requests go over one connection.
  private static let atOnce = 16

  /// Sends runs.
  ///
  /// - Parameter ids: full ids.
  /// - Throws: `ElbowError` with what the server said; what it has taken stays there, and is found when
  ///   they are sent again.
  package func send(_ ids: [String]) throws -> [Outcome] {
    let experiment = try experimentID()
    let known = try found(MLflowTag.run, in: experiment)
    var groups = try found(MLflowTag.group, in: experiment).compactMapValues {
      $0["info"]["run_id"].text
    }
    var outcomes: [Outcome] = []
    for first in stride(from: 0, to: ids.count, by: Self.atOnce) {
      let runs = try ids[first..<min(first + Self.atOnce, ids.count)].map { try SentRun($0, store) }
      try makeGroups(of: runs, in: experiment, &groups)
      var there = try runs.map { run in
        try known[run.id].map { try MLflowCopy($0) }
      }
      let new = runs.indices.filter { there[$0] == nil }
      let made = try server.answers(new.map { creation(runs[$0], in: experiment, groups) })
      for (index, answer) in zip(new, made) { there[index] = try MLflowCopy(answer["run"]) }
      var calls: [MLflowServer.Call] = []
      var marks: [MLflowServer.Call] = []
      for (index, run) in runs.enumerated() {
        guard let copy = there[index] else { continue }
        var outcome = Outcome(
          run: run.id, id: copy.id, state: new.contains(index) ? "new" : "updated")
        let digest = run.digest(artifacts: sendsArtifacts)
        if copy.tags[MLflowTag.sent] == digest {
          outcome.state = "unchanged"
        } else {
          run.remarks.forEach(watch.note)
          let old = new.contains(index) ? [:] : try history(of: run, copy)
          let points = run.points.filter { !(old[$0.name]?.contains(.init($0)) ?? false) }
          calls += batches(run, copy, points, parent: run.group.flatMap { groups[$0] })
          let files = sendsArtifacts ? try artifacts(of: run, copy) : []
          calls += files
          calls.append(update(run, copy))
          marks.append(tag(copy.id, MLflowTag.sent, digest))
          (outcome.points, outcome.artifacts) = (points.count, files.count)
        }
        outcomes.append(outcome)
      }
      _ = try server.answers(calls)
      // Only once all of it is there: what breaks before is sent again.
      _ = try server.answers(marks)
      watch(WorkUpdate("export", min(first + Self.atOnce, ids.count), of: ids.count, "runs"))
    }
    return outcomes
  }

  // MARK: What is there

  private func experimentID() throws -> String {
    let call = MLflowServer.Call(
      reading: "experiments/get-by-name", [(name: "experiment_name", value: experiment)])
    if let there = try server.answer(call, reads: true)?["experiment"] {
      guard there["lifecycle_stage"].text != "deleted" else {
        throw ElbowError(
          .conflict,
          "\(server.address): the experiment '\(experiment)' was deleted there; restore it, or take "
            + "another with `experiment`")
      }
      if let id = there["experiment_id"].text { return id }
    }
    let made = try server.answers([
      MLflowServer.Call("experiments/create", ["name": .string(experiment)])
    ])
    guard let id = made.first?["experiment_id"].text else { throw unusable("experiments/create") }
    return id
  }

  func unusable(_ path: String) -> ElbowError {
    ElbowError(.damaged, "\(server.address): \(path) answers without an id")
  }

  /// Runs of the experiment that have a tag, by its value.
  private func found(_ tag: String, in experiment: String) throws -> [String: JSONValue] {
    let runs = try server.all(
      "runs/search",
      [
        "experiment_ids": .array([.string(experiment)]),
        "filter": .string("tags.`\(tag)` LIKE '%'"),
      ], "runs")
    return runs.reduce(into: [:]) { found, run in
      if let value = run["data"]["tags"].pairs[tag] { found[value] = found[value] ?? run }
    }
  }

  /// The points of a run's metrics that the server has.
  private func history(
    of run: SentRun, _ copy: MLflowCopy
  ) throws -> [String: Set<MLflowCopy.Point>] {
    let names = Set(run.points.map(\.name)).intersection(copy.metrics).sorted()
    var found: [String: Set<MLflowCopy.Point>] = [:]
    var waiting: [(name: String, page: String?)] = names.map { ($0, nil) }
    while !waiting.isEmpty {
      let answers = try server.answers(
        waiting.map { name, page in
          MLflowServer.Call(
            reading: "metrics/get-history",
            [
              (name: "run_id", value: copy.id), (name: "metric_key", value: name),
              (name: "max_results", value: "\(MLflowServerRuns.pointsAtOnce)"),
            ] + (page.map { [(name: "page_token", value: $0)] } ?? []))
        }, reads: true)
      var further: [(name: String, page: String?)] = []
      for ((name, page), answer) in zip(waiting, answers) {
        found[name, default: []].formUnion(
          answer["metrics"].items.compactMap(MLflowCopy.Point.init))
        if let next = answer["next_page_token"].text, next != page { further.append((name, next)) }
      }
      waiting = further
    }
    return found
  }
}
