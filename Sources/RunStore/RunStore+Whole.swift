import Basics
import GRDB
import Records

extension RunStore {
  /// All that a run recorded of one image.
  ///
  /// - Parameters:
  ///   - run: full id.
  ///   - position: of the image.
  /// - Returns: nil where there is no prediction.
  /// - Throws: `ElbowError` where it cannot be what it should.
  package func recordedWhole(_ run: String, position: Int) throws -> Prediction? {
    let positions = position..<position + 1
    guard var prediction = try recordedPredictions(run, positions: positions).first else {
      return nil
    }
    prediction.evidence = try recordedEvidence(run, positions: positions)[position] ?? []
    prediction.attack = try attackOutcome(run, position)
    return prediction
  }

  private func attackOutcome(_ run: String, _ position: Int) throws -> AttackOutcome? {
    try reading { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT clean_predicted, attacked, prediction.attack_nfe, prediction.attack_gradients,
            prediction.attack_seconds, attack_zero_gradients, attack_loss, attack_linf, attack_l2,
            pixels, redraws, redraws_correct, redraws_majority, broken_by
          FROM run_total
          JOIN prediction ON prediction.run = run_total.number
          LEFT JOIN adversarial_image AS made
            ON made.run = prediction.run AND made.position = prediction.position
          WHERE run_id = ? AND prediction.position = ? AND clean_predicted IS NOT NULL
          """, arguments: [run, position])
      guard let row else { return nil }
      let recorded = CheckedRow(row, of: run, in: path)
      var outcome = try AttackOutcome(cleanPredicted: recorded.integer(0))
      outcome.attempted = try recorded.flag(1)
      outcome.nfe = try recorded.integer(2)
      outcome.gradients = try recorded.integer(3)
      outcome.seconds = try recorded.real(4)
      outcome.zeroGradientShare = try recorded.optionalReal(5)
      outcome.loss = try recorded.optionalReal(6)
      (outcome.linf, outcome.l2) = try (recorded.optionalReal(7), recorded.optionalReal(8))
      outcome.image = recorded.isNull(9) ? nil : try recorded.floats(9)
      if !recorded.isNull(10) {
        outcome.redraws = try Redraws(
          count: recorded.integer(10), correct: recorded.integer(11),
          majority: recorded.integer(12))
      }
      outcome.brokenBy = try recorded.optionalText(13)
      return outcome
    }
  }
}
