import Basics
import Evaluation
import Foundation
import Records
import RunStore

/// A cell of a sweep with what is recorded of it and what is left to be done.
package struct PlannedCell: Sendable {
  /// Where a cell stands.
  package enum State: Hashable, Sendable {
    case new
    /// Recorded as finished.
    case done(String)
    /// Broken off after so many images.
    case begun(String, Int)
    /// Being run by another process.
    case running(String)
  }

  /// The values that make it.
  package let values: SweepCell
  /// What tells it apart.
  package let label: String
  /// What it asks, loaded.
  package let run: Experiment.Prepared
  /// Where it stands.
  package internal(set) var state = State.new
  /// What it takes.
  package internal(set) var estimate: Estimate

  /// Images of it.
  package var images: Int { run.header.inputs.count }

  /// Seconds that are left of it; 0 where nothing tells.
  package var secondsLeft: Double {
    let each = estimate.secondsPerImage ?? 0
    return switch state {
    case .done, .running: 0
    case .new: each * Double(images)
    case .begun(_, let done): each * Double(images - done)
    }
  }
}

/// The cells of a sweep with what is recorded of them and what is left to be done.
package struct SweepPlan {
  /// In the order run.
  package private(set) var cells: [PlannedCell] = []
  /// Cells that ask the same as one before.
  package private(set) var repeated = 0
  /// Ids of what the cells ask, those that ask the same included.
  private var questions: [String] = []
  /// Flags that tell cells apart.
  package let flags: [String]
  /// The code at hand.
  package let code = CurrentCode()
  private let group: String
  private let again: Bool

  /// Resolves the cells of a sweep, looks for what is recorded of them, and estimates the rest.
  ///
  /// - Parameters:
  ///   - constants: flags that do not tell cells apart where one has none.
  ///   - template: what the cells' experiments have in common.
  ///   - store: what is recorded; nil: nothing yet.
  ///   - again: whether finished cells are run again.
  ///   - shard: which of the cells; nil: all.
  /// - Throws: `ElbowError`, naming the first cell that cannot be run, and what reading files and
  ///   database throws.
  package init(
    _ values: [SweepCell], constants: Set<String>, _ template: Experiment, in session: Session,
    reading store: RunStore?, again: Bool, shard: Shard? = nil
  ) throws {
    flags = SweepCell.varying(values, constants: constants)
    group = template.labels.group ?? ""
    self.again = again
    var estimator = Estimator(session, store)
    var known: Set<String> = []
    for (number, cell) in values.enumerated() {
      let label = cell.label(flags)
      session.watch(WorkUpdate("plan", number, of: values.count, "cells"))
      do {
        guard cell["precision"] != "auto" else {
          throw ElbowError(
            .malformed, "`precision` auto is another on another machine; a sweep needs fp32 or bf16"
          )
        }
        let run = try Self.experiment(cell, label, template).prepare(in: session, reading: store)
        let question = try run.header.question.id()
        questions.append(question)
        guard known.insert(question).inserted else {
          repeated += 1
          continue
        }
        // What is recorded already does not change which cells are whose.
        guard shard?.contains(known.count - 1) ?? true else { continue }
        let state = try state(of: run, in: store)
        cells.append(
          PlannedCell(
            values: cell, label: label, run: run, state: state,
            estimate: try estimator.estimate(run, probes: state.isOpen)))
      } catch let error where !(error is CancellationError) {
        let place = "cell \(number + 1) of \(values.count)\(label.isEmpty ? "" : " (\(label))")"
        throw (error as? ElbowError)?.prefixed(place) ?? error
      }
    }
  }

  private static func experiment(
    _ cell: SweepCell, _ label: String, _ template: Experiment
  ) throws -> Experiment {
    var experiment = template
    experiment.request = try cell.request()
    let name = [template.labels.name, label.isEmpty ? nil : label].compactMap(\.self)
    experiment.labels.name = name.isEmpty ? nil : name.joined(separator: ": ")
    return experiment
  }

  /// The newest finished run of every cell asked for, in order; nil where there is none.
  ///
  /// - Throws: `ElbowError`.
  package func finished(in store: RunStore) throws -> [String?] {
    try questions.map { question in
      let runs = try store.query(
        .runs, where: .equal("question", question).and(.equal("status", "finished")),
        columns: ["id"], order: ["-id"], limit: 1)
      return runs.rows.first?[0].string
    }
  }

  /// Where a cell stands now.
  func state(of run: Experiment.Prepared, in store: RunStore?) throws -> PlannedCell.State {
    guard let store else { return .new }
    let runs = try store.precedents(of: run.header, code: code).filter(\.isSameCode)
    if !again, let run = runs.first(where: { $0.status == "finished" }) { return .done(run.id) }
    let own = runs.filter { $0.group == group && $0.status != "finished" }
    if let run = own.first(where: { $0.status == "running" }) { return .running(run.id) }
    guard !again, let run = own.max(by: { $0.done < $1.done }) else { return .new }
    return .begun(run.id, run.done)
  }
}

extension PlannedCell.State {
  /// Whether there is something left to do here.
  var isOpen: Bool {
    switch self {
    case .new, .begun: true
    case .done, .running: false
    }
  }
}
