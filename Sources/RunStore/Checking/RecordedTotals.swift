import GRDB
import Records

/// What a run of Elbow's own kind says of itself as a whole.
package struct RecordedTotals: Sendable {
  /// Images classified.
  package let n: Int
  /// Those that are right.
  package let nCorrect: Int
  /// Share of them, with its bounds; nil where there are no images.
  package let accuracy, low, high: Double?
  /// Id of what was asked.
  package let question: String
  /// JSON that the program resumes from.
  package let invocation: String
  /// Whether Elbow itself has run it.
  package var isOwn: Bool { invocation != RunHeader.foreignInvocation }
}

extension RunStore {
  /// The totals of a run; nil of one that another program logs into.
  ///
  /// - Parameter id: full id.
  /// - Throws: `ElbowError` where they cannot be what they should.
  package func recordedTotals(_ id: String) throws -> RecordedTotals? {
    try reading { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT n, n_correct, accuracy, accuracy_low, accuracy_high, question, invocation
          FROM run JOIN run_total ON run_total.run_id = run.id
          WHERE run.id = ? AND fingerprint IS NOT NULL
          """, arguments: [id])
      guard let row else { return nil }
      let totals = CheckedRow(row, of: id, in: path)
      return try RecordedTotals(
        n: totals.integer(0), nCorrect: totals.integer(1), accuracy: totals.optionalReal(2),
        low: totals.optionalReal(3), high: totals.optionalReal(4), question: totals.text(5),
        invocation: totals.text(6))
    }
  }
}
