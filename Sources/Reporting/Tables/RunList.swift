import Basics
import Foundation
import Queries
import RunStore

/// Which columns of the chosen runs, in which order, or groups of them: what `elbow runs` is asked.
package struct RunList: Hashable, Sendable {
  /// Columns to show; nil: the usual ones.
  package var columns: [String]?
  /// Columns to leave out.
  package var dropped: [String]
  /// Whether only what differs between the runs is shown, with accuracy and cost.
  package var onlyChanged: Bool
  /// Columns to sort by, falling where a minus stands before; none: newest first.
  package var order: [String]
  /// Columns whose equal values put runs together; nil: a row for each run.
  package var groupedBy: [String]?
  /// The column that the runs of a group differ in.
  package var over: String
  /// Most rows, and how many to pass over first.
  package var limit: Int?, offset: Int

  /// The column that runs are usually repeated over.
  package static let usualRepetition = "seed"

  /// The list as given.
  package init(
    columns: [String]? = nil, dropped: [String] = [], onlyChanged: Bool = false,
    order: [String] = [], groupedBy: [String]? = nil, over: String = usualRepetition,
    limit: Int? = nil, offset: Int = 0
  ) {
    (self.columns, self.dropped, self.onlyChanged) = (columns, dropped, onlyChanged)
    (self.order, self.groupedBy, self.over) = (order, groupedBy, over)
    (self.limit, self.offset) = (limit, offset)
  }

  /// A table with the runs behind each of its rows.
  package struct Answer: Sendable {
    /// The rows.
    package var table: ResultTable
    /// Full ids.
    package var runs: [[String]]
    /// The rows as they are recorded, with an `id`.
    package var values: ResultTable
    /// Columns that were asked for, which stay where there is no room for all.
    package var asked: [String] = []
    /// What is left out; nil: nothing.
    package var note: String?
  }

  /// Headings of the columns to read that were asked for.
  private var asked: [String] {
    if let columns { return columns }
    let sorted = order.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
    return (groupedBy ?? []) + sorted.map(RunSummary.heading)
  }

  /// The table of the runs that `filter` leaves.
  ///
  /// - Parameters:
  ///   - store: where they are recorded.
  ///   - view: `runs`, or `trash`.
  ///   - filter: nil: all.
  ///   - isForReading: whether numbers are rounded and columns chosen for people.
  ///   - times: the reader's place in time, to say when; nil: it is not said.
  /// - Throws: `ElbowError` for unknown names, and for a group with two equal runs.
  package func answer(
    _ store: RunStore, from view: String = "runs", where filter: RowFilter?, isForReading: Bool,
    times: TimeDisplay? = nil
  ) throws -> Answer {
    if let groupedBy { return try groups(groupedBy, store, filter, isForReading: isForReading) }
    var names = columns
    if onlyChanged {
      names = try store.query(QueryHandle(view), limit: 0).columns + store.configurationColumns
    } else if isForReading, names == nil {
      names = RunSummary.needed
    }
    let showsID = names?.contains("id") ?? true
    let runs = try store.query(
      QueryHandle(view), where: filter, columns: showsID ? names : (names ?? []) + ["id"],
      order: order, limit: limit, offset: offset)
    let ids = runs.rows.indices.map { [runs[$0, "id"].text(null: "")] }
    let dropped = try store.columns(dropped, of: view, flag: "`drop`")
    var table = showsID ? runs : runs.dropping("id")
    if isForReading, columns == nil {
      table =
        onlyChanged
        ? RunSummary.changes(runs) : RunSummary.table(runs, times: times, asked: asked)
    } else if onlyChanged {
      table = runs.changed
    }
    for name in dropped {
      table = table.dropping(isForReading ? RunSummary.heading(of: name) : name)
    }
    return Answer(
      table: table, runs: ids, values: runs,
      asked: asked + (onlyChanged ? RunSummary.distinguishing(table) : []))
  }

  private func groups(
    _ keys: [String], _ store: RunStore, _ filter: RowFilter?, isForReading: Bool
  ) throws -> Answer {
    var finished = RowFilter.equal("status", "finished")
    if let filter { finished = finished.and(filter) }
    var names = RunGroups.needed
    for name in ["question", "replay_of"] + keys + [over] where !names.contains(name) {
      names.append(name)
    }
    let all = try store.query(.runs, where: finished, columns: names, order: order)
    let runs = RunGroups.newest(all, by: keys, over: over)
    do {
      let groups = try RunGroups.table(runs, by: keys, over: over)
      return Answer(
        table: isForReading ? RunGroups.summary(groups) : groups,
        runs: RunGroups.members(runs, by: keys), values: runs, asked: keys,
        note: RunGroups.note(older: all.rows.count - runs.rows.count))
    } catch let twins as RunGroups.Repetition {
      throw ElbowError(
        .malformed,
        "runs \(twins.first) and \(twins.second) are in one group and have the same \(over), "
          + "\(twins.value); 'elbow diff' tells what they differ in: add it to `group-by`, or "
          + "choose with `where`")
    }
  }

  /// Names with commas between.
  package static func names(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
