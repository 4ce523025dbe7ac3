import Basics
import Evaluation
import Records
import Reporting

/// What a person is told before a run begins.
package struct RunAnnouncement {
  /// One fact a line.
  package let lines: [String]

  /// Of a run that is about to begin.
  package init(_ run: Experiment.Prepared, _ estimate: Estimate) {
    let header = run.header
    let c = header.configuration
    let around = [
      c.lm?.variant.rawValue ?? c.purification?.spelling,
      c.smoothing.map { "smoothed \($0.spelling)" },
      c.precision == .fp32 ? nil : c.precision.rawValue,
    ].compactMap(\.self).joined(separator: ", ")
    var what = [c.classifier.rawValue + (around.isEmpty ? "" : " (\(around))")]
    if c.classifier.weighsLosses { what += [c.strategy, c.grid, "weights \(c.weights)"] }
    what.append("model \(header.model.name)")
    if let attack = header.attack {
      what.append(
        "\(attack.name) \(attack.norm.threat(attack.epsilon))"
          + (attack.steps > 1 ? ", \(attack.steps.counted("step"))" : "")
          + (attack.restarts > 1 ? " × \(attack.restarts.counted("restart"))" : "")
          + (attack.eot > 1 ? ", EOT \(attack.eot)" : "")
          + (attack.noise == .frozen ? ", noise known" : "")
          + (attack.rivals > 0 ? ", \(attack.rivals.counted("rival"))" : "")
          + (attack.surrogate == .all ? ", all losses" : "")
          + (attack.choiceDraws > 0 ? ", chosen on \(attack.choiceDraws.counted("draw"))" : "")
          + (attack.redraws > 0 ? ", \(attack.redraws.counted("redraw"))" : ""))
    }
    let source = header.inputs.first.map { "\($0.dataset) \($0.split)" } ?? ""
    let count = header.inputs.count
    what.append("\(count.counted("image")) of \(source)")
    if let done = run.resumed?.done.count { what.append("\(done) of them done") }
    lines = [
      "run \(header.id): \(what.joined(separator: ", "))", Self.cost(run, estimate),
      run.plan.dataset.limits.map { "values " + $0.text(budget: header.attack) },
    ].compactMap(\.self)
  }

  /// As `1250 network evaluations an image; about 2:30`.
  private static func cost(_ run: Experiment.Prepared, _ estimate: Estimate) -> String {
    let cost = estimate.cost
    let bound = estimate.isBound ? "at most " : ""
    let own =
      estimate.recordedEvaluations.map { Int(nearest: $0.rounded()) } ?? cost.own.evaluations
    var text = bound + own.counted("network evaluation")
    if cost.own.gradients > 0 { text += " and \(cost.own.gradients.counted("gradient"))" }
    text += " an image"
    if let attack = cost.attack {
      let parts = [
        (attack.evaluations, "evaluation"), (attack.gradients, "gradient"),
      ].filter { $0.0 > 0 }.map { $0.counted($1) }
      if !parts.isEmpty { text += ", its attack \(parts.joined(separator: " and "))" }
    }
    guard let each = estimate.secondsPerImage else { return text }
    let left = run.header.inputs.count - (run.resumed?.done.count ?? 0)
    let seconds = each * Double(left)
    let origin = estimate.origin == .runs ? "as recorded runs took" : "by a measured probe"
    return text + "; about \(Durations.clock(seconds)), \(origin)"
  }
}
