import Foundation
import GRDB
import Migrations

extension Views {
  /// Whether the file that `db` is connected to has older ones, or under this number others that
  /// somebody else has put in their place.
  func areNewer(than db: Database) throws -> Bool {
    let stored = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    guard stored == number else { return stored < number }
    let rows = try Row.fetchAll(
      db, sql: "SELECT name, sql FROM main.sqlite_schema WHERE type = 'view'")
    let texts = Dictionary(
      rows.map { ($0.text("name") ?? "", $0.text("sql") ?? "") },
      uniquingKeysWith: { (a: String, _) in a })
    return all.contains { view in
      // SQLite keeps the statement without what ends it.
      texts[view.name].map(Self.withoutEnding) != Self.withoutEnding(view.sql)
    }
  }

  private static func withoutEnding(_ sql: String) -> Substring {
    let last = sql.lastIndex { !$0.isWhitespace && $0 != ";" }
    return last.map { sql[...$0] } ?? ""
  }

  /// Replaces those of the file, whichever it has, within the transaction that `db` is in.
  ///
  /// - Throws: `DatabaseError`.
  func replace(in db: Database) throws {
    try drop(from: db)
    for view in all {
      try db.execute(sql: view.sql)
      try db.execute(sql: "INSERT INTO about VALUES (?, ?)", arguments: [view.name, view.row])
    }
    // What is kept was worked out by the views that were there before.
    if try db.tableExists("robust_basis") { try db.execute(sql: "DELETE FROM robust_basis") }
    try db.execute(sql: "PRAGMA user_version = \(number)")
  }

  /// Drops what this program or another one has stored as its views; users' own stay.
  ///
  /// - Throws: `DatabaseError`.
  func drop(from db: Database) throws {
    let stored = try String.fetchAll(db, sql: "SELECT name FROM about")
    for name in Set(stored + all.map(\.name)) {
      try db.execute(sql: "DROP VIEW IF EXISTS \(name.quotedDatabaseIdentifier)")
    }
    try db.execute(sql: "DELETE FROM about")
  }

  /// Runs `body` while the file has no views at all: tables cannot be changed under views that want them
  /// as they were. Users' own are put back, whatever they want.
  ///
  /// - Throws: `DatabaseError`, and what `body` throws.
  func takenDown(in db: Database, _ body: () throws -> Void) throws {
    try drop(from: db)
    let own = try Row.fetchAll(
      db, sql: "SELECT name, sql FROM main.sqlite_schema WHERE type = 'view'"
    ).map { (name: $0.text("name") ?? "", sql: $0.text("sql") ?? "") }
    for view in own { try db.execute(sql: "DROP VIEW \(view.name.quotedDatabaseIdentifier)") }
    try body()
    for view in own { try db.execute(sql: view.sql) }
  }

  /// Puts them before the file's own, for this connection only: the file cannot be written.
  ///
  /// - Throws: `DatabaseError`.
  func shadow(in db: Database) throws {
    for view in all {
      let statement = view.sql.dropFirst("CREATE VIEW".count)
      try db.execute(sql: "CREATE TEMP VIEW IF NOT EXISTS" + statement)
    }
  }
}
