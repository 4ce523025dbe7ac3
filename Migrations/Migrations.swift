/// One step of the schema: a file of this folder.
package struct Migration: Sendable {
  /// File name without extension, as `V0001__runs`.
  package let name: String
  /// The statements.
  package let sql: String

  /// The migration as given.
  package init(name: String, sql: String) {
    self.name = name
    self.sql = sql
  }
}

/// Every migration, in the order applied. A file that has landed is never edited.
package enum Migrations {
  /// All of them.
  package static let all: [Migration] = [
    Migration(
      name: "V0001__runs", sql: String(decoding: PackageResources.V0001__runs_sql, as: UTF8.self)),
    Migration(
      name: "V0002__trainings",
      sql: String(decoding: PackageResources.V0002__trainings_sql, as: UTF8.self)),
    Migration(
      name: "V0003__classifiers",
      sql: String(decoding: PackageResources.V0003__classifiers_sql, as: UTF8.self)),
    Migration(
      name: "V0004__replays",
      sql: String(decoding: PackageResources.V0004__replays_sql, as: UTF8.self)),
    Migration(
      name: "V0005__lifecycle",
      sql: String(decoding: PackageResources.V0005__lifecycle_sql, as: UTF8.self)),
    Migration(
      name: "V0006__speed", sql: String(decoding: PackageResources.V0006__speed_sql, as: UTF8.self)),
    Migration(
      name: "V0007__room", sql: String(decoding: PackageResources.V0007__room_sql, as: UTF8.self)),
    Migration(
      name: "V0008__questions",
      sql: String(decoding: PackageResources.V0008__questions_sql, as: UTF8.self)),
    Migration(
      name: "V0009__checksums",
      sql: String(decoding: PackageResources.V0009__checksums_sql, as: UTF8.self)),
    Migration(
      name: "V0010__redraws",
      sql: String(decoding: PackageResources.V0010__redraws_sql, as: UTF8.self)),
    Migration(
      name: "V0011__energy",
      sql: String(decoding: PackageResources.V0011__energy_sql, as: UTF8.self)),
    Migration(
      name: "V0012__places",
      sql: String(decoding: PackageResources.V0012__places_sql, as: UTF8.self)),
    Migration(
      name: "V0013__robust_totals",
      sql: String(decoding: PackageResources.V0013__robust_totals_sql, as: UTF8.self)),
  ]
}
