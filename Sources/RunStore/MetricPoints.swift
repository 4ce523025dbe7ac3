import Foundation
import GRDB

/// Points of metrics on their way into one transaction, series by series.
///
/// A series's points come into the file one after the other, many by one statement: each by its own
/// costs twice as much. Valid within the transaction that it is made in.
struct MetricPoints {
  private let store: RunStore
  private let owner: MetricOwner
  private let db: Database
  private var series: [Series] = []
  /// By name; looked into where the next series is not the one that came next before.
  private var places: [String: Int] = [:]
  private var place = 0

  /// Rows of one statement, most first: what is left after as many as go into one goes into the next.
  private static let sizes = [512, 32, 1]

  private struct Series {
    let name: String
    let id: Int
    /// Points that it had before.
    let points: Int
    var added: [Point] = []
  }

  private struct Point {
    let step, milliseconds: Int
    let value: Double
  }

  /// For the series of `owner`.
  init(_ store: RunStore, _ owner: MetricOwner, _ db: Database) {
    (self.store, self.owner, self.db) = (store, owner, db)
  }

  /// Adds a point to the series `name`, which begins with its first one.
  ///
  /// - Parameter milliseconds: since 1970.
  /// - Throws: `ElbowError` where a metric cannot be called so.
  mutating func add(_ name: String, step: Int, value: Double, milliseconds: Int) throws {
    // They come in the same order at every step, mostly.
    place = place + 1 < series.count ? place + 1 : 0
    if series.isEmpty || series[place].name != name { place = try self.place(of: name) }
    series[place].added.append(Point(step: step, milliseconds: milliseconds, value: value))
  }

  private mutating func place(of name: String) throws -> Int {
    if let known = places[name] { return known }
    let (id, points) = try store.series(name, owner, db)
    series.append(Series(name: name, id: id, points: points))
    places[name] = series.count - 1
    return series.count - 1
  }

  /// Inserts them, and counts them in their series.
  ///
  /// - Throws: `DatabaseError`.
  func insert() throws {
    let ordered = series.sorted { $0.id < $1.id }
    // Rows in the order of their key, as far as steps rise.
    let rows = ordered.flatMap { series in
      series.added.enumerated().map { (series: series.id, arrival: series.points + $0, point: $1) }
    }
    var next = 0
    for size in Self.sizes where rows.count - next >= size {
      let values = Array(repeating: "(?, ?, ?, ?, ?)", count: size).joined(separator: ", ")
      let insertion = try Insertion(
        "INSERT INTO metric_point (series_id, step, arrival, value, logged_at) VALUES \(values)", db
      )
      while rows.count - next >= size {
        for place in 0..<size {
          let (row, index) = (rows[next + place], Int32(5 * place))
          insertion.bind(index + 1, row.series)
          insertion.bind(index + 2, row.point.step)
          insertion.bind(index + 3, row.arrival)
          insertion.bind(index + 4, row.point.value)
          insertion.bind(index + 5, row.point.milliseconds)
        }
        try insertion.insert()
        next += size
      }
    }
    for series in ordered {
      try db.cachedStatement(sql: "UPDATE metric_series SET points = ? WHERE id = ?")
        .execute(arguments: [series.points + series.added.count, series.id])
    }
  }
}
