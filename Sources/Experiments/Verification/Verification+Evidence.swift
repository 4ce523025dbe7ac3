import Basics
import Evaluation
import Records
import RunStore

extension Verification {
  /// Images whose losses are held at once.
  private static let chunk = 2048

  /// Computes ELBOs, rounds and costs from the recorded losses again, as a replay does.
  ///
  /// - Throws: `ElbowError`: what keeps it from being done.
  mutating func checkEvidence(
    _ header: RunHeader, _ store: RunStore, _ session: Session
  ) throws {
    for start in stride(from: 0, to: header.inputs.count, by: Self.chunk) {
      let positions = start..<min(start + Self.chunk, header.inputs.count)
      let recorded = try store.recordedPredictions(header.id, positions: positions)
      if recorded.isEmpty { continue }
      guard recorded.allSatisfy({ $0.losses != nil }) else {
        let gap = recorded.first { $0.losses == nil }?.position ?? start
        findings.append(
          Finding(
            run: header.id, position: gap, image: header.inputs[gap].index, "loss_blob.values",
            stored: "none", recomputed: "losses, which the run records"))
        continue
      }
      let evidence = try store.recordedEvidence(header.id, positions: positions)
      let (part, moved) = try Replay.part(header, recorded) { _ in true }
      let replay = try Replay(part, moved, workers: session.workers)
      let answers = try replay.predictions(header.configuration, workers: session.workers)
      for (prediction, answer) in zip(recorded, answers) {
        losses += prediction.losses?.count ?? 0
        let found = evidence[prediction.position] ?? []
        for (what, stored, recomputed) in differences(prediction, found, answer) {
          findings.append(
            Finding(
              run: header.id, position: prediction.position,
              image: header.inputs[prediction.position].index, what, stored: stored,
              recomputed: recomputed))
        }
      }
    }
  }

  private func differences(
    _ recorded: Prediction, _ found: [ClassEvidence], _ answer: Prediction
  ) -> [(what: String, stored: String, recomputed: String)] {
    var differences: [(String, String, String)] = []
    if recorded.nfe != answer.nfe {
      differences.append(("prediction.nfe", "\(recorded.nfe)", "\(answer.nfe)"))
    }
    if found.map(\.label) != answer.evidence.map(\.label) {
      let labels = found.map { "\($0.label)" }.joined(separator: ", ")
      differences.append(
        ("class_evidence.class", labels, "0 to \(answer.evidence.count - 1)"))
      return differences
    }
    for (stored, recomputed) in zip(found, answer.evidence) {
      if !Self.isClose(stored.elbo, recomputed.elbo) {
        differences.append(
          (
            "class_evidence.elbo of class \(stored.label)", Self.text(stored.elbo),
            Self.text(recomputed.elbo)
          ))
      }
      if stored.lastRound != recomputed.lastRound {
        differences.append(
          (
            "class_evidence.last_round of class \(stored.label)", "\(stored.lastRound)",
            "\(recomputed.lastRound)"
          ))
      }
    }
    return differences
  }

  private static func isClose(_ a: Double?, _ b: Double?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    // An infinite one is close to itself alone.
    return a == b || ((a - b).isFinite && abs(a - b) <= tolerance * max(abs(a), abs(b)))
  }

  private static func text(_ elbo: Double?) -> String { elbo.map { "\($0)" } ?? "NULL" }
}
