import Basics
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

/// Losses that differ from image to image: little room, whoever reads them.
@Suite struct LossPlacesTests {
  /// A run of ten classes and fifty timesteps.
  private func wide(_ images: Int) -> RunHeader {
    var header = header(images)
    header.classNames = (0..<10).map { "class \($0)" }
    header.timesteps = (0..<50).map {
      TimestepRecord(index: $0, sigma: 0.1 + Double($0), weight: 1, strategyWeight: nil)
    }
    return header
  }

  private func loss(_ draw: Int, _ timestep: Int, _ label: Int) -> LossRecord.Loss {
    .init(
      draw: draw, timestep: timestep, label: label,
      value: Float(1000 * draw + 10 * timestep + label) + 0.5)
  }

  /// All classes at every fifth timestep, then two of them at all others.
  private var halved: [LossRecord.Loss] {
    (0..<50).flatMap { t in (t % 5 == 0 ? Array(0..<10) : [3, 7]).map { loss(0, t, $0) } }
  }

  /// All classes at two timesteps, fewer at others.
  private var sifted: [LossRecord.Loss] {
    [(1, 10), (2, 10), (3, 6), (4, 5), (5, 5), (6, 4), (7, 3), (8, 3), (9, 2), (10, 2), (15, 2)]
      .flatMap { t, count in (0..<count).map { loss(0, t, 9 - $0) }.reversed() }
  }

  /// Each loss of the cube with a chance, in two draws.
  private var scattered: [LossRecord.Loss] {
    var random = SystemRandomNumberGenerator()
    return (0..<2).flatMap { draw in
      (0..<50).flatMap { t in
        (0..<10).compactMap { label in
          Int.random(in: 0..<3, using: &random) == 0 || (draw, t, label) == (1, 49, 9)
            ? loss(draw, t, label) : nil
        }
      }
    }
  }

  /// What no bits are for: twice, outside of the grid, and few and far between.
  private var odd: [[LossRecord.Loss]] {
    [
      [loss(0, 2, 1), loss(0, 2, 1)], [loss(0, 50, 1)],
      [loss(0, 4, 10), loss(0, 5, 1)], [loss(9, 49, 9)], [],
    ]
  }

  @Test func lossesComeBackWhereTheyWere() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let records = [halved, scattered, sifted] + odd
    let header = wide(records.count)
    try record(
      header,
      records.enumerated().map { position, losses in
        var prediction = prediction(position)
        // Asked in another order than they are kept in.
        prediction.losses = .sparse(position == 0 ? losses.reversed() : losses)
        return prediction
      }, in: store)
    for (position, losses) in records.enumerated() {
      #expect(try store.losses(run: header.id, position: position) == .sparse(losses))
    }
    #expect(try store.recordedPredictions(header.id).map(\.losses) == records.map { .sparse($0) })
    // The program's view and the stored one, which has no function of the program's.
    let sql = "SELECT position, draw, timestep, class, loss FROM losses ORDER BY position"
    let plain = try DatabaseQueue(patient: database.path).read { try Row.fetchAll($0, sql: sql) }
    let expected = records.enumerated().flatMap { position, losses in
      losses.map { [position, $0.draw, $0.timestep, $0.label, Int($0.value * 2)] }
    }
    #expect(plain.map { row in (0..<4).map { row[$0] } + [Int(row[4] * 2.0)] } == expected)
    let own = try store.readOnly(sql).rows
    #expect(
      own
        == expected.map { row in
          row.dropLast().map { .integer(Int64($0)) } + [.real(Double(row[4]) / 2)]
        })
  }

  /// Five bytes a loss at most where a strategy has asked for an eighth of all losses, or more.
  @Test func placesTakeLittleRoom() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let records = [halved, scattered, sifted, odd[0]]
    try record(
      wide(records.count),
      records.enumerated().map { position, losses in
        var prediction = prediction(position)
        prediction.losses = .sparse(losses)
        return prediction
      }, in: store)
    let room = try store.readOnly(
      "SELECT length(\"values\") + length(places) FROM loss ORDER BY position"
    ).rows
    // A number, and bits: of 50 rows, and ten classes of each; of the rows, up to the last, of two draws.
    let rows = Set(records[1].map { 50 * $0.draw + $0.timestep }).count
    let expected = [
      4 * halved.count + 4 + 7 + 63, 4 * records[1].count + 4 + 13 + (10 * rows + 7) / 8,
      4 * sifted.count + 4 + 2 + 14, 2 * 16,
    ]
    #expect(room == expected.map { [.integer(Int64($0))] })
    for (bytes, losses) in zip(expected, records.dropLast()) { #expect(bytes <= 5 * losses.count) }
  }

  /// Bits that are not as many as the losses are damage, in every way that they are read.
  @Test(arguments: ["x'FF'", "x''", "zeroblob(62)"])
  func damagedBitsAreErrors(places: String) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = wide(1)
    var prediction = prediction(0)
    prediction.losses = .sparse(halved)
    try record(header, [prediction], in: store)
    try database.execute("UPDATE loss_blob SET places = \(places)")
    #expect(throws: ElbowError.self) { try store.losses(run: header.id, position: 0) }
    #expect(throws: ElbowError.self) { try store.recordedPredictions(header.id) }
    #expect(throws: ElbowError.self) { try store.query("losses", ["run": header.id]) }
  }
}
