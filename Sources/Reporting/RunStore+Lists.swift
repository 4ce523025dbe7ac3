import Basics
import RunStore

extension RunStore {
  /// Ids of the runs that meet a condition, as a JSON array.
  package func ids(where filter: RowFilter) throws -> String {
    let table = try query("runs", where: filter, columns: ["id"])
    return JSONValue.array(table.rows.map { .string($0[0].text(null: "")) }).canonical
  }

  /// Names of a run's classes.
  ///
  /// - Parameter id: full id.
  package func classNames(_ id: String) throws -> [String] { try recordedHeader(id).classNames }
}
