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
    let queue = try DatabaseQueue(patient: database)
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

  /// A refused line after a commit is as any other: it is named, and what comes around it is kept.
  @Test func badLinesAfterACommitAreNamed() throws {
    let store = try RunStore(database, for: .write)
    var answers: [String] = []
    let ingest = Ingest(into: store) { answers.append($0) }
    let parts = [
      [Self.run, Self.images[0]], [#"{"type":"image","run":"a","index":7,"label":5}"#],
      [Self.images[1], #"{"type":"metrics","run":"a","step":0,"values":{"a b":1}}"#], [Self.end],
    ]
    let pipe = Pipe()
    let (source, target) = (
      pipe.fileHandleForReading.fileDescriptor, pipe.fileHandleForWriting.fileDescriptor
    )
    // Longer than what waits for its transaction does.
    Thread.detachNewThread {
      for part in parts {
        let text = Array((part.joined(separator: "\n") + "\n").utf8)
        _ = write(target, text, text.count)
        Thread.sleep(forTimeInterval: 0.3)
      }
      close(target)
    }
    try ingest.read(source)
    store.close()
    #expect(answers.count { $0.contains("committed") } == 4, "\(answers)")
    #expect(ingest.totals.lines == 6 && ingest.totals.badLines == 2)
    #expect(answers.contains { $0.contains("\"line\":3") && $0.contains("'label'") })
    #expect(answers.last == #"{"committed":6}"#)
    #expect(try column("SELECT status || images FROM runs") == ["finished2"])
  }

  /// Whoever else logs to a run that is streamed, neither loses a point.
  @Test func othersMayLogToAStreamedRun() throws {
    let store = try RunStore(database, for: .write)
    let ingest = Ingest(into: store) { _ in }
    func read(_ lines: [String]) throws {
      let path = try folder.write(UUID().uuidString, lines.joined(separator: "\n") + "\n")
      let file = open(path, O_RDONLY)
      defer { close(file) }
      try ingest.read(file)
    }
    func point(_ step: Int) -> String {
      #"{"type":"metrics","run":"m","step":\#(step),"values":{"x":\#(step)}}"#
    }
    try read([#"{"type":"run","run":"m"}"#, point(0)])
    let id = try column("SELECT id FROM runs")[0]
    var writer = MetricWriter(store, run: id)
    try writer.log(["x": 9], step: 1)
    try writer.flush()
    try read([#"{"type":"run","run":"m"}"#, point(1), point(2)])
    store.close()
    #expect(ingest.totals.badLines == 0)
    #expect(try column("SELECT points FROM metric_series") == ["4"])
    #expect(try column("SELECT value FROM metrics ORDER BY step") == ["0.0", "1.0", "2.0"])
  }

  /// One run may be called by its key and by its id.
  @Test func keysAndIdsNameOneRun() throws {
    try ingest([Self.run, Self.images[0]])
    let id = try column("SELECT id FROM runs")[0]
    let byID = [Self.run, Self.images[1], Self.end].map {
      $0.replacing("\"run\":\"a\"", with: "\"run\":\"\(id)\"")
    }
    #expect(try ingest([Self.run, Self.images[2]] + byID).totals.badLines == 0)
    #expect(try column("SELECT status || images FROM runs") == ["finished3"])
    // A run that its maker has left running is ended by a line.
    let store = try RunStore(database, for: .write)
    try store.beginExternal(ExternalRun(id: "01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    store.close()
    let bare = #"{"type":"run","run":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#
    try ingest([bare, #"{"type":"end","run":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#])
    #expect(try column("SELECT status FROM runs ORDER BY id LIMIT 1") == ["finished"])
  }

  /// Attacked images are told by what they are, in whatever order another run has them.
  @Test func transfersAreOfTheSameImages() throws {
    let (maker, user) = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW")
    func run(_ id: String, _ more: String) -> String {
      #"{"type":"run","run":"\#(id)","classes":2,"shape":[1,1,2],"model":"\#(id)",\#(more)}"#
    }
    func image(_ id: String, _ index: Int, _ predicted: Int, _ more: String = "") -> String {
      #"{"type":"image","run":"\#(id)","index":\#(index),"label":0,"predicted":\#(predicted)\#(more)}"#
    }
    let attack = #""attack":{"name":"pgd","norm":"linf","epsilon":0.5}"#
    let spared = #","attack":{"clean_predicted":1,"attempted":false}"#
    let tried = #","attack":{"clean_predicted":0,"image":[0.5,0.25],"linf":0.5}"#
    let ends = [maker, user].map { #"{"type":"end","run":"\#($0)"}"# }
    let (_, totals) = try ingest(
      [run(maker, attack), image(maker, 0, 1, spared), image(maker, 1, 1, tried), ends[0]]
        + [run(user, #""inputs_run":"\#(maker)""#), image(user, 1, 1), image(user, 0, 0), ends[1]])
    #expect(totals.badLines == 0)
    #expect(
      try column("SELECT image_index || ' ' || correct FROM attempts WHERE noise = 'transfer'")
        == ["1 0"])
  }

  /// The same end again may carry nothing else, and no run ends before it began.
  @Test func endsSayNothingNew() throws {
    let costly = #"{"type":"end","run":"a","seconds":7,"peak_memory":100,"energy":5}"#
    #expect(try ingest(Self.whole + [Self.end]).totals.badLines == 0)
    let (answers, _) = try ingest([Self.run] + Self.images + [Self.end, costly])
    #expect(answers.contains { ($0["error"] as? String)?.contains("not like this") == true })
    let early = try ingest([#"{"type":"run","run":"b"}"#, #"{"type":"end","run":"b","time":-5}"#])
    #expect(early.totals.badLines == 1)
    // A bare line takes a run up as it was begun.
    let bare = #"{"type":"run","run":"a"}"#
    let more = [Self.run, Self.end, bare, Self.image(70, [1, 2, 2, 1, 1, 1]), Self.end]
    #expect(try ingest(more).totals.badLines == 0)
  }

  /// Where nothing speaks for any class, none is taken for the answer.
  @Test func answersNeedAWord() throws {
    let silent = [
      #"{"type":"image","run":"a","index":1,"label":0,"elbos":[NaN,NaN]}"#,
      #"{"type":"image","run":"a","index":2,"label":0,"elbos":[null,null]}"#,
      Self.image(3, [.nan, .nan, 1, 1, 1, 1]),
    ]
    #expect(try ingest([Self.run] + silent).totals.badLines == 3)
    let half = #"{"type":"image","run":"a","index":4,"label":1,"elbos":[NaN,-3]}"#
    let (_, totals) = try ingest([Self.run, half, Self.end])
    #expect(totals.badLines == 0 && totals.oddLosses == 1)
    #expect(try column("SELECT predicted FROM predictions") == ["1"])
  }

  /// SQLite's texts end at a zero: such ones are refused rather than cut.
  @Test func textsAreTakenWhole() throws {
    for line in [
      #"{"type":"run","run":"b","name":"a\u0000b"}"#,
      #"{"type":"run","run":"b","tags":{"a\u0000":"x"}}"#,
      #"{"type":"run","run":"b","tags":{"a":"x\u0000"}}"#,
      #"{"type":"run","run":"b","argv":["\u0000"]}"#,
    ] { #expect(try ingest([line]).totals.badLines == 1, "\(line)") }
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
