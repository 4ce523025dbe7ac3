import Basics
import Foundation
import Queries
import Records
import RunStore

/// A recorded run as the lines that `Ingest` takes: what it asked and what it answered, small enough to
/// be kept beside code. Losses, pixels and metrics stay in the file.
package struct RunLines {
  private let run: RecordedRun
  private let header: RunHeader
  private let store: RunStore

  /// Whether what speaks for each class is written as well.
  private let hasELBOs: Bool

  /// Of the run of an id.
  ///
  /// - Parameter hasELBOs: whether each class's ELBO, or logit, is written as well.
  /// - Throws: `ElbowError` for a run without images.
  package init(_ id: String, hasELBOs: Bool, in store: RunStore) throws {
    self.hasELBOs = hasELBOs
    run = try store.recordedRun(id)
    var header = try store.recordedHeader(run.id)
    let table = try store.query(.run(run.id))
    let tags = table.rows.isEmpty ? nil : table[0, "tags"].string
    header.labels.tags = try JSONDecoder().decode(
      [String: String].self, from: Data((tags ?? "{}").utf8))
    self.header = header
    self.store = store
  }

  /// Writes the lines, each without its end: the run, an image a line, the ending.
  ///
  /// - Throws: `ElbowError` for what a line cannot say; what `tell` throws.
  package func write(_ tell: (String) throws -> Void) throws {
    try tell(beginning().canonical)
    for position in run.done.sorted() {
      guard let answer = try store.recordedWhole(run.id, position: position) else { continue }
      try tell(image(header.inputs[position], answer).canonical)
    }
    guard ["finished", "failed", "interrupted"].contains(run.status) else { return }
    try tell(line("end", ["status": .string(run.status)]).canonical)
  }

  private func line(_ type: String, _ members: [String: JSONValue?]) -> JSONValue {
    var members = members.compactMapValues(\.self)
    (members["type"], members["run"]) = (.string(type), .string(run.id))
    return .object(members)
  }

  private func beginning() throws -> JSONValue {
    func seed(_ value: UInt64?) throws -> JSONValue? {
      guard let value else { return nil }
      guard value <= 1 << 53 else {
        throw ElbowError(.malformed, "run \(run.id) has a seed that JSON cannot hold: \(value)")
      }
      return .number(Double(value))
    }
    let labels = header.labels
    return line(
      "run",
      [
        "name": labels.name.map { .string($0) }, "group": labels.group.map { .string($0) },
        "note": labels.note.map { .string($0) },
        "tags": labels.tags.isEmpty ? nil : .object(labels.tags.mapValues { .string($0) }),
        "classes": .array(header.classNames.map { .string($0) }),
        "shape": .array(header.imageShape.map { .number(Double($0)) }),
        "model": try described(header.model),
        "lm_model": try header.lmModel.map(described), "configuration": try configuration(),
        "dataset": header.inputs.first.map { .string($0.dataset) },
        "split": header.inputs.first.map { .string($0.split) },
        "seed": try seed(header.seed), "attack_seed": try seed(header.attackSeed),
        "attack": try header.attack.map { try JSONValue(encoding: $0) },
        "inputs_run": header.inputsRun.map { .string($0) }, "records_losses": .bool(false),
      ])
  }

  private func described(_ model: ModelRecord) throws -> JSONValue {
    let about = try JSONDecoder().decode(JSONValue.self, from: Data(model.architecture.utf8))
    guard case .object(var members) = about else {
      throw ElbowError(.damaged, "the architecture of model \(model.name) is no JSON object")
    }
    members["name"] = .string(model.name)
    members["sha256"] = .string(model.sha256)
    members["dtype"] = .string(model.dtype)
    members["parameters"] = .number(Double(model.parameters))
    return .object(members)
  }

  /// Without the model, which stands beside it; levels of their own as numbers.
  private func configuration() throws -> JSONValue {
    guard case .object(var members) = try JSONValue(encoding: header.configuration) else {
      preconditionFailure("a configuration is a JSON object")
    }
    members["model"] = nil
    if header.configuration.grid.hasPrefix("given:") {
      members["grid"] = .array(header.timesteps.map { .number($0.sigma) })
    }
    if header.configuration.weights.hasPrefix("given:") {
      members["weights"] = .array(header.timesteps.map { .number($0.weight) })
    }
    return .object(members)
  }

  private func image(_ input: InputRecord, _ answer: Prediction) -> JSONValue {
    func real(_ value: Double?) -> JSONValue? { value.map { .number($0) } }
    let first = header.inputs.first
    let evidence = hasELBOs ? answer.evidence.sorted { $0.label < $1.label } : []
    return line(
      "image",
      [
        // Where they are not the run's.
        "dataset": input.dataset == first?.dataset ? nil : .string(input.dataset),
        "split": input.split == first?.split ? nil : .string(input.split),
        "index": .number(Double(input.index)), "label": .number(Double(input.label)),
        "sha256": .string(input.sha256), "predicted": .number(Double(answer.predicted)),
        "elbos": evidence.isEmpty
          ? nil : .array(evidence.map { $0.elbo.map(Self.measurement) ?? .null }),
        "rounds": evidence.allSatisfy { $0.lastRound == 0 }
          ? nil : .array(evidence.map { .number(Double($0.lastRound)) }),
        "nfe": .number(Double(answer.nfe)),
        "gradients": answer.gradients > 0 ? .number(Double(answer.gradients)) : nil,
        "seconds": .number(answer.seconds), "movement_max": real(answer.movementMax),
        "movement_mean": real(answer.movementMean), "attack": answer.attack.map(attack),
      ])
  }

  private func attack(_ outcome: AttackOutcome) -> JSONValue {
    let members: [String: JSONValue?] = [
      "clean_predicted": .number(Double(outcome.cleanPredicted)),
      "attempted": .bool(outcome.attempted), "nfe": .number(Double(outcome.nfe)),
      "gradients": .number(Double(outcome.gradients)), "seconds": .number(outcome.seconds),
      "zero_gradients": outcome.zeroGradientShare.map { .number($0) },
      "loss": outcome.loss.map { .number($0) }, "linf": outcome.linf.map { .number($0) },
      "l2": outcome.l2.map { .number($0) },
      "redraws": outcome.redraws.map { draws in
        .array([draws.count, draws.correct, draws.majority].map { .number(Double($0)) })
      },
      "broken_by": outcome.brokenBy.map { .string($0) },
    ]
    return .object(members.compactMapValues(\.self))
  }

  /// As `Ingest` reads it, infinite or not.
  private static func measurement(_ value: Double) -> JSONValue {
    value.isFinite ? .number(value) : .string(value > 0 ? "Infinity" : "-Infinity")
  }
}
