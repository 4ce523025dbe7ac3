import Basics
import Foundation
import GRDB
import Records

/// Questions of runs that were recorded before runs knew theirs.
enum RecordedQuestions {
  /// Runs that are read at once.
  private static let batch = 256

  /// Writes the question of every run that has none, and its attack as this program writes it.
  ///
  /// - Throws: `DatabaseError`; `ElbowError` where a run's inputs cannot be what they should.
  static func write(_ db: Database) throws {
    var last = ""
    while true {
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, fingerprint, seed, attack_seed, attack_json FROM run
          WHERE id > ? AND fingerprint IS NOT NULL AND question IS NULL ORDER BY id LIMIT ?
          """, arguments: [last, batch])
      for row in rows {
        let run = CheckedRow(row, of: row.text("id") ?? "", in: "database")
        last = try run.text(0)
        // What this program cannot read, a newer one has written: it stays.
        let attack = try run.optionalText(4).map {
          (try? AttackConfiguration(json: $0).canonicalJSON()) ?? $0
        }
        var digest = Question.Digest(
          fingerprint: try run.text(1), attack: attack, seed: try run.seed(2),
          attackSeed: try run.optionalSeed(3))
        try RunStore.forEachInput(of: last, db, in: "database") { digest.add($0) }
        try db.cachedStatement(sql: "UPDATE run SET attack_json = ?, question = ? WHERE id = ?")
          .execute(arguments: [attack, digest.id, last])
      }
      guard rows.count == batch else { return }
    }
  }
}
