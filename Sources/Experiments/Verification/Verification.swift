import Basics
import Records
import RunStore
import Statistics

/// What came of checking runs: that they are as they were recorded, and that what follows from other
/// rows does follow from them.
///
/// Checksums, written with the rows, tell what was recorded from what became of it, to the bit; they
/// show accidents, not forgery. Beside them all that can be is computed again: accuracies and
/// intervals from predictions, predictions from ELBOs, ELBOs from losses and weights, distances from
/// pixels, hashes from what they are of.
public struct Verification: Sendable {
  /// What is not what it should be.
  public internal(set) var findings: [Finding] = []
  /// Runs checked.
  public internal(set) var runs = 0
  /// Predictions checked.
  public internal(set) var predictions = 0
  /// Losses that ELBOs were computed from again.
  public internal(set) var losses = 0
  /// Runs that were recorded, or begun, before there were checksums.
  public internal(set) var uncovered: [String] = []
  /// What could not be computed again, and why.
  public internal(set) var remarks: [String] = []

  /// Folder of the dataset's files; nil: where they were.
  let data: String?

  /// Share by which numbers that are sums may differ: they may have been added up in another order.
  static let tolerance = 1e-9

  /// Checks runs.
  ///
  /// - Parameters:
  ///   - ids: full ids; nil: all runs, those in the trash included, and the file itself.
  ///   - store: the database.
  ///   - session: threads and files that are read.
  ///   - data: folder of the dataset's files; nil: where they were.
  /// - Throws: `ElbowError` where the file cannot be read at all, `CancellationError`.
  public init(
    of ids: [String]?, in store: RunStore, session: Session, data: String? = nil
  ) throws {
    self.data = data
    let all = try ids ?? store.everyRunID()
    if ids == nil { findings += try store.fileFindings() }
    for (done, id) in all.enumerated() {
      session.watch(
        WorkUpdate("verify", done, of: all.count, "runs", remarks: ["\(findings.count) findings"]))
      try session.workers.checkCancellation()
      do { try check(id, store, session) } catch let error as ElbowError {
        // What is out of form cannot be checked further.
        findings.append(
          Finding(run: id, "rows", stored: error.message, recomputed: "rows that can be read"))
      }
    }
    session.watch(WorkUpdate("verify", all.count, of: all.count, "runs"))
  }

  private mutating func check(_ id: String, _ store: RunStore, _ session: Session) throws {
    runs += 1
    findings += try store.findings(of: id)
    let coverage = try store.coverage(of: id)
    if !coverage.isWhole { uncovered.append(id) }
    guard let totals = try store.recordedTotals(id) else { return }
    predictions += totals.n
    checkAccuracy(id, totals)
    let header = try store.recordedHeader(id)
    let question = try header.question.id()
    if totals.question != question {
      findings.append(
        Finding(run: id, "run.question", stored: totals.question, recomputed: question))
    }
    guard totals.isOwn else {
      remarks.append(
        "run \(id): another program has answered, by rules of its own; not computed from losses again"
      )
      return
    }
    if header.recordsLosses, header.configuration.classifier.weighsLosses {
      do { try checkEvidence(header, store, session) } catch let error as ElbowError {
        try remark(id, "its ELBOs", error)
      }
    }
    if header.attack != nil {
      do { try checkDistances(header, totals.invocation, store, session) } catch let error
        as ElbowError
      {
        try remark(id, "distances of its attacked images", error)
      }
    }
  }

  /// Notes what could not be computed again.
  ///
  /// - Throws: what is wrong with the record itself.
  private mutating func remark(_ id: String, _ what: String, _ error: ElbowError) throws {
    if error.code == .damaged { throw error }
    remarks.append("run \(id): \(what) were not computed again: \(error)")
  }

  /// The bounds that the file gives, by way of SQL, beside those of the statistics.
  private mutating func checkAccuracy(_ id: String, _ totals: RecordedTotals) {
    guard totals.n > 0, (0...totals.n).contains(totals.nCorrect) else { return }
    let interval = WilsonInterval(successes: totals.nCorrect, of: totals.n)
    for (name, stored, recomputed) in [
      ("accuracy", totals.accuracy, Double(totals.nCorrect) / Double(totals.n)),
      ("accuracy_low", totals.low, interval.low), ("accuracy_high", totals.high, interval.high),
    ] where !(abs((stored ?? .nan) - recomputed) <= Self.tolerance) {
      findings.append(
        Finding(
          run: id, "run_total.\(name)", stored: stored.map { "\($0)" } ?? "NULL",
          recomputed: "\(recomputed)"))
    }
  }
}
