import Basics
import GRDB
import Records

extension RunStore {
  /// What a run recorded of every class of some of its images, by position.
  ///
  /// - Parameters:
  ///   - run: full id.
  ///   - positions: of the images.
  /// - Throws: `ElbowError` where it cannot be what it should.
  package func recordedEvidence(
    _ run: String, positions: Range<Int>
  ) throws -> [Int: [ClassEvidence]] {
    try reading { db in
      let cursor = try Row.fetchCursor(
        db,
        sql: """
          SELECT position, class, elbo, last_round
          FROM class_evidence
          WHERE run = (SELECT number FROM run_total WHERE run_id = ?)
            AND position >= ? AND position < ?
          ORDER BY position, class
          """, arguments: [run, positions.lowerBound, positions.upperBound])
      var evidence: [Int: [ClassEvidence]] = [:]
      while let row = try cursor.next() {
        let recorded = CheckedRow(row, of: run, in: path)
        try evidence[recorded.integer(0), default: []].append(
          ClassEvidence(
            label: recorded.integer(1), elbo: recorded.optionalReal(2),
            lastRound: recorded.integer(3)))
      }
      return evidence
    }
  }
}

/// An image that an attack has changed, with the distances that were recorded of it.
package struct AttackedImage: Sendable {
  /// In its run.
  package let position: Int
  /// ‖x′ − x‖∞ and ‖x′ − x‖₂, pixel units.
  package let linf, l2: Double?
}

extension RunStore {
  /// The images that a run's attack has changed.
  ///
  /// - Parameter run: full id.
  /// - Throws: `ElbowError` where they cannot be what they should.
  package func attackedImages(_ run: String) throws -> [AttackedImage] {
    try reading { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT prediction.position, attack_linf, attack_l2
          FROM run_total
          JOIN adversarial_image AS made ON made.run = run_total.number
          JOIN prediction ON prediction.run = made.run AND prediction.position = made.position
          WHERE run_id = ? ORDER BY prediction.position
          """, arguments: [run]
      ).map { row in
        let image = CheckedRow(row, of: run, in: path)
        return try AttackedImage(
          position: image.integer(0), linf: image.optionalReal(1), l2: image.optionalReal(2))
      }
    }
  }
}
