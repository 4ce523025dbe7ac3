import Queries
import RunStore

extension RunStore {
  /// Ids of the runs that meet a condition, newest first.
  package func ids(where filter: RowFilter) throws -> [String] {
    try query(.runs, where: filter, columns: ["id"]).rows.map { $0[0].text(null: "") }
  }

  /// Names of a run's classes.
  ///
  /// - Parameter id: full id.
  package func classNames(_ id: String) throws -> [String] { try recordedHeader(id).classNames }
}
