import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

@Suite struct FrontTests {
  /// Against every point held against every other, ties included.
  @Test func frontsAreUnbeaten() {
    for _ in 0..<200 {
      let points = (0..<Int.random(in: 0...12)).map { _ in
        (cost: Double(Int.random(in: 0...5)), value: Double(Int.random(in: 0...5)))
      }
      let unbeaten = points.indices.filter { i in
        !points.contains {
          $0.cost <= points[i].cost && $0.value >= points[i].value
            && ($0.cost < points[i].cost || $0.value > points[i].value)
        }
      }.sorted { (points[$0].cost, $0) < (points[$1].cost, $1) }
      #expect(paretoFront(points) == unbeaten, "\(points)")
    }
  }

  /// Plain and other characters stand in columns of one width.
  @Test func columnsAreCharactersWide() {
    let table = ResultTable(
      columns: ["a", "größe", "c"],
      rows: [
        [.text("plain"), .real(0.1234567), .text("é\ty")], [.text("naïve"), .integer(12), .null],
      ])
    #expect(
      TableFormat.table.render(table)
        == "a         größe  c\n─────  ────────  ───\nplain  0.123457  é␉y\nnaïve        12  –\n")
  }
}
