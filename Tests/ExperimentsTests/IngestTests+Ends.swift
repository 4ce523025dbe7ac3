import Basics
import Experiments
import Foundation
import GRDB
import Records
import RunStore
import TestSupport
import Testing

/// What runs have cost, how they end, and what of them is told.
extension IngestTests {
  /// What a run has cost is of its columns, and stays checked.
  @Test func costsAreRecorded() throws {
    let end = #"""
      {"type":"end","run":"a","cpu_seconds":9,"peak_memory":3145728,"energy":60,"gpu_energy":1.5,\#
      "gpu_memory":1048576}
      """#
    #expect(try ingest([Self.run] + Self.images + [end]).totals.badLines == 0)
    #expect(
      try column(
        """
        SELECT json_array(cpu_seconds_per_image, peak_mebibytes, joules_per_image,
          gpu_joules_per_image, gpu_peak_mebibytes) FROM runs
        """) == ["[3.0,3.0,20.0,0.5,1.0]"])
    let store = try RunStore(database, for: .write)
    let session = Session(threads: 1)
    #expect(try Verification(of: nil, in: store, session: session).findings == [])
    store.close()
    let queue = try DatabaseQueue(path: database)
    try queue.write { try $0.execute(sql: "UPDATE session SET energy = 62") }
    try queue.close()
    let changed = try Verification(
      of: nil, in: RunStore(database, for: .read), session: session
    ).findings
    #expect(changed.map(\.what) == ["session.energy"])
    let bad = try ingest([#"{"type":"run","run":"b"}"#, #"{"type":"end","run":"b","energy":-1}"#])
    #expect(bad.totals.badLines == 1)
  }

  /// A run ends once: what contradicts that is refused, the same end may be told again.
  @Test func runsEndOnce() throws {
    let other = Self.end.replacing("\"run\":\"a\"", with: "\"run\":\"a\",\"status\":\"failed\"")
    for line in [other, Self.image(7, [1, 2, 2, 1, 1, 1]), Self.metrics[0], Self.metrics[1]] {
      let (answers, totals) = try ingest(Self.whole + [line, Self.end])
      #expect(totals.badLines == 1)
      let message = answers.compactMap { $0["error"] as? String }.first ?? ""
      #expect(message.contains("has ended"), "\(message)")
    }
    let later = try ingest([Self.run, other])
    #expect(later.totals.badLines == 1)
    #expect(try column("SELECT status || images FROM runs") == ["finished3"])
    #expect(try column("SELECT count(*) FROM session") == ["1"])
    // Begun again it goes on, and ends as it then does.
    let more = [Self.run, Self.image(7, [1, 2, 2, 1, 1, 1]), other]
    #expect(try ingest(Self.whole + more).totals.badLines == 0)
    #expect(try column("SELECT status || images FROM runs") == ["failed4"])
    #expect(try ingest([Self.run, Self.end]).totals.badLines == 0)
    #expect(try column("SELECT status FROM runs") == ["finished"])
  }

  /// No squared error is negative, infinite or no number: that is counted.
  @Test func oddLossesAreCounted() throws {
    let (_, totals) = try ingest([
      Self.run, Self.images[0], Self.image(5, [.nan, 1, -2, 1, .infinity, 1]), Self.end,
    ])
    #expect(totals.badLines == 0 && totals.oddLosses == 3 && totals.firstOddLoss == 3)
  }

  /// An image without losses keeps its run from being replayed, and is named.
  @Test func imagesWithoutLossesAreNamed() throws {
    let bare = #"{"type":"image","run":"a","index":6,"label":0,"predicted":0}"#
    try ingest([Self.run] + Self.images + [bare, Self.end])
    let store = try RunStore(database, for: .read)
    let id = try column("SELECT id FROM runs")[0]
    let session = Session(threads: 1)
    let losses = try RecordedLosses(id, store)
    let error = try #require(throws: ElbowError.self) {
      try losses.replay(workers: session.workers) { _ in true }
    }
    #expect(error.message.contains("no losses of 1 image, the first of them 6"), "\(error)")
    let some = try losses.replay(workers: session.workers) { $0.index != 6 }
    #expect(some.source.inputs.count == 3)
  }

  @Test func whoComputedIsAColumn() throws {
    try ingest(Self.whole + [#"{"type":"run","run":"b"}"#])
    let store = try RunStore(database, for: .write)
    try record(header(1), [prediction(0)], in: store)
    #expect(
      try column("SELECT external FROM runs ORDER BY images") == ["program", "null", "program"])
  }

  @Test func aLineMayBeLongerThanTheBuffer() throws {
    let wide = Self.run.replacing(
      "\"trial\"", with: "\"\(String(repeating: "x", count: 3 << 20))\"")
    #expect(try ingest([wide] + Self.images).totals.badLines == 0)
    #expect(try column("SELECT length(value) FROM run_tag") == ["\(3 << 20)"])
  }
}
