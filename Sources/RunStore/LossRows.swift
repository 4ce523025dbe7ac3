import Foundation
import GRDB

/// Recorded losses as rows, on Elbow's own connections: a temporary view before the stored one of the
/// same name, columns and rows, which needs no function of Elbow's but more time.
package enum LossRows {
  /// Makes the view on a connection.
  package static func install(in db: Database) throws {
    db.add(function: decode)
    try db.execute(
      sql: """
        CREATE TEMP VIEW IF NOT EXISTS losses AS
        SELECT run.id AS run_id, input.image_index AS image_index,
          json_extract(item.value, '$[0]') AS draw, json_extract(item.value, '$[1]') AS timestep,
          json_extract(item.value, '$[2]') AS class, json_extract(item.value, '$[3]') AS loss,
          loss.position AS position
        FROM main.loss_blob AS loss
        JOIN main.run_total AS run_total ON run_total.number = loss.run
        JOIN main.run AS run ON run.id = run_total.run_id AND run.deleted_at IS NULL
        JOIN main.run_input AS run_input
          ON run_input.run = loss.run AND run_input.position = loss.position
        JOIN main.input AS input ON input.id = run_input.input_id
        JOIN json_each(
          elbow_losses(loss."values", loss.places, json_array_length(run.class_names),
            (SELECT json_group_array(timestep) FROM (
              SELECT timestep FROM main.run_timestep
              WHERE run_id = run.id AND strategy_weight IS NOT NULL ORDER BY timestep)),
            (SELECT count(*) FROM main.run_timestep WHERE run_id = run.id))
        ) AS item
        """)
  }

  private static let damaged = DatabaseError(message: "a record of losses is damaged")

  /// JSON array of `[draw, timestep, class, loss]`; diverged losses as 9e999, SQLite's infinity.
  private static let decode = DatabaseFunction("elbow_losses", argumentCount: 5, pure: true) {
    arguments in
    guard let values = Data.fromDatabaseValue(arguments[0]),
      let classes = Int.fromDatabaseValue(arguments[2]),
      let text = String.fromDatabaseValue(arguments[3])
    else { return nil }
    guard values.count.isMultiple(of: 4) else { throw damaged }
    let losses = Blob.floats(values)
    let timesteps = try JSONDecoder().decode([Int].self, from: Data(text.utf8))
    let places: [(draw: Int, timestep: Int, label: Int)]
    if let data = Data.fromDatabaseValue(arguments[1]) {
      let found = LossPlaces.places(
        data, count: losses.count, timesteps: Int.fromDatabaseValue(arguments[4]) ?? 0,
        classes: classes)
      guard let found else { throw damaged }
      places = found
    } else {
      let perDraw = timesteps.count * classes
      guard perDraw > 0 ? losses.count.isMultiple(of: perDraw) : losses.isEmpty else {
        throw damaged
      }
      places = losses.indices.map {
        ($0 / perDraw, timesteps[$0 % perDraw / classes], $0 % classes)
      }
    }
    let rows = zip(places, losses).map { place, loss in
      "[\(place.draw),\(place.timestep),\(place.label),\(loss.isFinite ? "\(loss)" : "9e999")]"
    }
    return "[" + rows.joined(separator: ",") + "]"
  }
}

/// Little-endian arrays in blobs.
enum Blob {
  static func data(_ values: [Float]) -> Data {
    values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { Data($0) }
  }

  static func data(_ values: [Int32]) -> Data {
    values.map { $0.littleEndian }.withUnsafeBytes { Data($0) }
  }

  static func floats(_ data: Data) -> [Float] {
    let count = data.count / 4
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      data.withUnsafeBytes { raw in
        UnsafeMutableRawBufferPointer(buffer)
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[..<(4 * count)]))
      }
      initialized = count
      for i in 0..<count {
        buffer[i] = Float(bitPattern: UInt32(littleEndian: buffer[i].bitPattern))
      }
    }
  }

  static func integers(_ data: Data) -> [Int] {
    floats(data).map { Int(Int32(bitPattern: $0.bitPattern)) }
  }
}
