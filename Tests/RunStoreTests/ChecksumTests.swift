import Basics
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

/// Checksums are written with the rows, and hold through interruptions and resumptions.
@Suite struct RunChecksumTests {
  private func answers(_ positions: Range<Int>) -> [Prediction] {
    positions.map { prediction($0, correct: $0 % 2 == 1) }
  }

  private func checksums(_ run: String, _ store: RunStore) throws -> [Cell] {
    try store.readOnly(
      """
      SELECT asked, ended, sessions, predictions FROM run_checksum
      JOIN run_total ON number = run WHERE run_id = '\(run)'
      """
    ).rows[0]
  }

  /// A run that was broken off has checksums of what is there, and of its end once it has one.
  @Test func brokenOffAndResumed() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = header(4)
    let writer = RunWriter(store)
    try writer.receive(.started(run))
    for answer in answers(0..<2) { try writer.receive(.predicted(answer)) }
    try writer.receive(
      .ended(RunEnding(status: .interrupted, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1)))
    let broken = try checksums(run.id, store)
    #expect(!broken.contains(.null))
    #expect(try store.findings(of: run.id) == [])
    let second = RunWriter(store)
    try second.receive(.resumed(run))
    // As a process that is killed here leaves it.
    #expect(try checksums(run.id, store) == [broken[0], .null, .null, .null])
    #expect(try store.findings(of: run.id) == [])
    for answer in answers(2..<4) { try second.receive(.predicted(answer)) }
    try second.receive(.ended(ending))
    #expect(try store.findings(of: run.id) == [])
    let coverage = try store.coverage(of: run.id)
    #expect(coverage.isWhole && coverage.predictions == 4)
  }

  /// A deleted image is missed, whatever else fits together.
  @Test func deletedImagesAreMissed() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(4), answers(0..<4), in: store)
    let other = try record(header(4), answers(0..<4), in: store)
    try database.execute(
      """
      DELETE FROM prediction WHERE position = 2 AND run = 1;
      DELETE FROM prediction WHERE position = 2 AND run = 2;
      DELETE FROM prediction_checksum WHERE position = 2 AND run = 2
      """)
    #expect(try store.findings(of: run.id).map(\.what) == ["run.status", "prediction"])
    #expect(
      try store.findings(of: other.id).map(\.what) == ["run.status", "prediction_checksum"])
  }

  /// Where one accident explains what is found, the finding says what was there.
  @Test func findingsTellWhatWasRecorded() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let run = try record(header(2), answers(0..<2), in: store)
    try database.execute(
      """
      UPDATE prediction SET gradients = 7 WHERE position = 1;
      UPDATE session SET cpu = cpu || 'x';
      UPDATE run SET invocation = '{ }'
      """)
    let findings = try store.findings(of: run.id)
    let gradients = Finding(
      run: run.id, position: 1, image: 11, "prediction.gradients", stored: "7", recomputed: "2")
    #expect(findings.contains(gradients))
    // More than a bit: the table alone is named.
    #expect(findings.map(\.what).contains("session"))
    #expect(findings.map(\.what).contains("run"))
    // Labels may change.
    try store.tag([run.id], set: ["stage": "other"])
    try store.group([run.id], "others")
    #expect(try store.findings(of: run.id) == findings)
  }
}
