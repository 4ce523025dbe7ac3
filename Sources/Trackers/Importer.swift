import Basics
import Experiments
import Records
import RunStore

/// Records the runs of another tracker.
package enum Importer {
  /// What an import came to.
  package struct Totals: Sendable {
    /// Runs that the source has.
    package var runs = 0
    /// Those that were recorded for the first time.
    package var new = 0
    /// Those that were made in this file, and sent from it.
    package var own = 0
    /// Points that were recorded for the first time.
    package var points = 0
    /// What could not be taken.
    package var problems = 0
  }

  /// Problems that are told one by one.
  private static let told = 20

  /// Records what a source says, through the lines of `elbow ingest`: what is recorded already is
  /// passed over.
  ///
  /// - Parameters:
  ///   - source: where the runs are kept.
  ///   - store: where they are recorded.
  ///   - watch: is told how far the work is, and what could not be taken.
  /// - Throws: `ElbowError` where the source cannot be read or the database not written; what came before
  ///   is recorded.
  package static func record(
    _ source: some TrackerSource, into store: RunStore, watch: WorkWatch = .none
  ) throws -> Totals {
    let ingest = Ingest(into: store) { _ in }
    var totals = Totals()
    // Runs of which no line is taken.
    var passed: Set<String> = []
    func problem(_ text: String) {
      totals.problems += 1
      if totals.problems <= told { watch.note(text) }
    }
    let lines = SourceLines { line in
      if line.begins {
        totals.runs += 1
        watch(WorkUpdate("import", totals.runs, of: nil, "runs"))
        if ULID.isID(line.key), try store.isMadeHere(line.key) {
          totals.own += 1
          passed.insert(line.key)
        }
      }
      if passed.contains(line.key) { return }
      guard let error = try ingest.take(line.text) else { return }
      problem("\(line.place()): \(error.message)")
      if line.begins { passed.insert(line.key) }
    } problem: {
      problem($0)
    } note: {
      watch.note($0)
    }
    defer {
      if totals.problems > told {
        watch.note("and \((totals.problems - told).counted("problem")) more")
      }
    }
    do { try source.read(into: lines) } catch {
      try? ingest.finish()
      throw error
    }
    try ingest.finish()
    (totals.new, totals.points) = ingest.recorded
    return totals
  }

  /// Gives the lines themselves, recording nothing.
  ///
  /// - Throws: `ElbowError` where the source cannot be read.
  /// - Returns: how many problems were told.
  package static func lines(
    of source: some TrackerSource, watch: WorkWatch = .none, _ take: (String) throws -> Void
  ) throws -> Int {
    var problems = 0
    try withoutActuallyEscaping(take) { take in
      let lines = SourceLines {
        try take($0.text)
      } problem: {
        problems += 1
        watch.note($0)
      } note: {
        watch.note($0)
      }
      try source.read(into: lines)
    }
    return problems
  }
}
