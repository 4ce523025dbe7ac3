import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import TestSupport
import Testing

/// Lines of other programs become runs that Elbow answers for as for its own.
struct IngestTests {
  let folder: TemporaryFolder
  var database: String { folder.file("elbow.db") }

  init() throws { folder = try TemporaryFolder() }

  /// What lines say, with what was answered.
  @discardableResult
  func ingest(_ lines: [String]) throws -> (answers: [[String: Any]], totals: Ingest.Totals) {
    let path = try folder.write(UUID().uuidString, lines.joined(separator: "\n") + "\n")
    let file = open(path, O_RDONLY)
    defer { close(file) }
    let store = try RunStore(database, for: .write)
    defer { store.close() }
    var answers: [[String: Any]] = []
    let ingest = Ingest(into: store) { line in
      let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      answers.append(answer ?? [:])
    }
    try ingest.read(file)
    return (answers, ingest.totals)
  }

  func column(_ sql: String) throws -> [String] {
    let store = try RunStore(database, for: .read)
    return try store.readOnly(sql).rows.map { row in
      switch row[0] {
      case .null: "null"
      case .integer(let value): "\(value)"
      case .real(let value): "\(value)"
      case .text(let text): text
      case .blob(let bytes): "\(bytes.count) bytes"
      }
    }
  }

  static let run = """
    {"type":"run","run":"a","name":"theirs","classes":["cat","dog"],"shape":[1,1,2],\
    "model":{"name":"net","guidance":3},"dataset":"pets","split":"test",\
    "configuration":{"grid":[0.1,0.5,2],"weights":[1,2,4]},"tags":{"stage":"trial"}}
    """

  static func image(_ index: Int, _ losses: [Float], label: Int = 0) -> String {
    let bytes = losses.flatMap { loss in
      (0..<4).map { UInt8(truncatingIfNeeded: loss.bitPattern >> (8 * UInt32($0))) }
    }
    return """
      {"type":"image","run":"a","index":\(index),"label":\(label),\
      "losses":"\(Data(bytes).base64EncodedString())","seconds":0.5}
      """
  }

  /// Σ w·ℓ is 9 and 8; the first level alone says 1 and 2, the last two 8 and 6.
  static let images = [
    image(4, [1, 2, 2, 1, 1, 1]), image(9, [1, 2, 2, 1, 1, 1], label: 1),
    image(2, [0, 1, 0, 1, 0, .infinity]),
  ]
  static let metrics = [
    #"{"type":"metrics","run":"a","step":0,"values":{"loss":0.5,"acc":1}}"#,
    #"{"type":"metrics","run":"a","values":{"loss":null},"step":1,"time":1.5}"#,
    #"{"type":"metrics","run":"a","step":2,"values":{"\u006closs":"-inf"}}"#,
  ]
  static let end = #"{"type":"end","run":"a","seconds":7,"peak_memory":100}"#
  static let whole = [#"{"elbow":1}"#, run] + images + metrics + [end]

  @Test func aRunIsRecorded() throws {
    let (answers, totals) = try ingest(Self.whole)
    #expect(totals.badLines == 0 && totals.lines == 9 && totals.contradictions == 0)
    #expect(answers.last?["committed"] as? Int == 9)
    #expect(answers.first?["run"] as? String == "a")
    #expect(
      try column("SELECT status || ' ' || name || ' ' || n_correct || ' ' || images FROM runs") == [
        "finished theirs 2 3"
      ])
    #expect(try column("SELECT predicted FROM predictions ORDER BY position") == ["1", "1", "0"])
    #expect(
      try column("SELECT elbo FROM class_elbos WHERE image_index = 4 ORDER BY class") == [
        "-9.0", "-8.0",
      ])
    #expect(
      try column("SELECT nfe || ' ' || seconds FROM predictions WHERE image_index = 2") == ["6 0.5"]
    )
    #expect(try column("SELECT wall_seconds || ' ' || peak_memory FROM session") == ["7.0 100"])
    #expect(
      try column("SELECT value FROM metrics WHERE name = 'loss' ORDER BY step") == ["0.5", "null"])
    #expect(try column("SELECT value FROM metrics WHERE name = 'lloss'") == ["-inf"])
    #expect(
      try column("SELECT loss FROM losses WHERE image_index = 2 AND class = 1 ORDER BY timestep")
        == ["1.0", "1.0", "inf"])
  }

  /// A file that has runs with metrics alone has nothing to find fault with.
  @Test func metricsAloneAreRight() throws {
    try ingest([
      #"{"type":"run","run":"b"}"#, #"{"type":"metrics","run":"b","step":0,"values":{"x":1}}"#,
      #"{"type":"end","run":"b"}"#,
    ])
    let store = try RunStore(database, for: .write)
    #expect(try Verification(of: nil, in: store, session: Session(threads: 1)).findings == [])
  }

  @Test func itsQuestionIsThatOfARunRecordedWhole() throws {
    try ingest(Self.whole)
    let store = try RunStore(database, for: .write)
    let id = try store.runID("theirs")
    let header = try store.recordedHeader(id)
    #expect(try column("SELECT question FROM runs") == [try header.question.id()])
    #expect(header.timesteps.map(\.strategyWeight) == [1, 2, 4])
    #expect(header.inputs.map(\.index) == [4, 9, 2])
  }

  @Test func strategiesAreReplayedOnTheirLosses() throws {
    try ingest(Self.whole)
    let store = try RunStore(database, for: .write)
    defer { store.close() }
    let session = Session(threads: 1)
    let recorded = try RecordedLosses("theirs", store)
    let replay = try recorded.replay(workers: session.workers) { _ in true }
    func predicted(_ strategy: String, _ weights: String? = nil) throws -> [Int] {
      try replay.predictions(
        replay.configuration(strategy: strategy, weights: weights), workers: session.workers
      ).map(\.predicted)
    }
    #expect(try predicted("full") == [1, 1, 0])
    #expect(try predicted("first:1") == [0, 0, 0])
    #expect(try predicted("last:2") == [1, 1, 0])
    // ω = σ⁻² on levels 0.1, 0.5 and 2, which stand for 0.2, 0.95 and 0.75 of noise.
    #expect(try predicted("full", "snr") == [0, 0, 0])
    let other = try ReplayWriter(store).record(
      replay, replay.configuration(strategy: "first:1", weights: nil), labels: RunLabels(),
      in: session)
    let pair = try Comparison([store.runID("theirs"), other], in: store).pairs[0]
    #expect(pair.n == 3)
  }

  @Test func sentAgainItChangesNothing() throws {
    try ingest(Self.whole)
    let tables = [
      "run", "run_input", "prediction", "class_evidence", "loss_blob", "metric_point", "session",
      "run_timestep",
    ]
    func state() throws -> [String] {
      try tables.flatMap { try column("SELECT count(*) FROM \($0)") }
        + column("SELECT finished_at || question FROM run")
    }
    let before = try state()
    let (answers, totals) = try ingest(Self.whole)
    #expect(totals.badLines == 0)
    #expect(answers.first?["images"] as? [Int] == [2, 4, 9])
    #expect(answers.first?["next_step"] as? Int == 3)
    #expect(try state() == before)
  }

  @Test func brokenOffItGoesOn() throws {
    try ingest(Array(Self.whole.prefix(3)) + [String(Self.images[1].prefix(40))])
    #expect(try column("SELECT status || images FROM runs") == ["interrupted1"])
    try ingest(Self.whole)
    #expect(try column("SELECT status || images || n_correct FROM runs") == ["finished32"])
    #expect(try column("SELECT count(*) FROM session") == ["2"])
    let id = try column("SELECT id FROM runs")[0]
    let header = try RunStore(database, for: .read).recordedHeader(id)
    #expect(try column("SELECT question FROM runs") == [try header.question.id()])
  }

  @Test func aStreamThatEndsEndsWhatItTookUp() throws {
    try ingest(Self.whole)
    try ingest([Self.run, Self.image(77, [1, 2, 2, 1, 1, 1])])
    #expect(try column("SELECT status || images FROM runs") == ["interrupted4"])
  }

  @Test func badLinesAreNamedAndTheOthersKept() throws {
    let bad = [
      "no json", #"{"type":"imag","run":"a"}"#, #"{"type":"image","run":"b","index":1,"label":0}"#,
      #"{"type":"image","run":"a","index":1,"label":2}"#,
      #"{"type":"image","run":"a","index":1,"label":0,"losses":[1,2]}"#,
      #"{"type":"image","run":"a","index":1,"label":0,"predicted":0,"los":[1,2]}"#,
      #"{"type":"image","run":"a","index":1,"label":0}"#,
      #"{"type":"metrics","run":"a","step":-1,"values":{"x":1}}"#,
      #"{"type":"metrics","run":"a","step":1,"values":{"a b":1}}"#,
      #"{"type":"metrics","run":"a","step":1,"values":{"x":1,"y":"two"}}"#,
      #"{"type":"end","run":"a","status":"done"}"#, "[1]",
      #"{"type":"image","run":"a","index":1,"label":0,"predicted":0,"seconds":NaN}"#,
      #"{"type":"run","run":"c","classes":2,"shape":[1,1,2],"model":"m","attack":{"name":"p","norm":"l2","epsilon":0}}"#,
      #"{"type":"run","run":"c","classes":2,"shape":[1,1,2],"model":"m","inputs_run":"01J00000000000000000000000"}"#,
      #"{"type":"run","run":"c","classes":2,"shape":[1,1,2],"model":"m","configuration":{"grid":[2,1]}}"#,
      #"{"type":"run","run":"c","classes":2,"shape":[1,1,2],"model":"m","configuration":{"grid":[1,NaN]}}"#,
      #"{"type":"run","run":"c","classes":2,"shape":[1,1,2],"model":{"name":"m","x":NaN}}"#,
    ]
    let (answers, totals) = try ingest([Self.run] + bad + Self.images + [Self.end])
    #expect(totals.badLines == bad.count)
    #expect(
      answers.compactMap { $0["error"] == nil ? nil : $0["line"] as? Int }
        == Array(2..<2 + bad.count))
    let errors = answers.compactMap { $0["error"] as? String }
    #expect(errors[1].contains("did you mean") && errors[5].contains("'losses'"))
    #expect(try column("SELECT n_done || status FROM runs") == ["3finished"])
    #expect(try column("SELECT count(*) FROM metric_series") == ["0"])
  }

  @Test func anotherAnswerForARecordedImageIsRefused() throws {
    try ingest([Self.run] + Self.images)
    let other = #"{"type":"image","run":"a","index":4,"label":0,"predicted":0}"#
    let (_, totals) = try ingest([Self.run, other])
    #expect(totals.badLines == 1)
    // The same line again is no other answer; other losses, or another cost, are.
    #expect(try ingest([Self.run] + Self.images).totals.badLines == 0)
    let losses = Self.image(4, [1, 2, 2, 1, 1, 9])
    let costs = Self.images[0].replacing("\"seconds\":0.5", with: "\"seconds\":9,\"nfe\":77")
    for (line, what) in [(losses, "another loss"), (costs, "another nfe")] {
      // Committed before, and on its way in the same lines.
      let later = try ingest([Self.run, line])
      #expect(later.totals.badLines == 1)
      #expect(later.answers.contains { ($0["error"] as? String)?.contains(what) == true })
      let run = Self.run.replacing("\"run\":\"a\"", with: "\"run\":\"\(what)\"")
      let lines = [Self.images[0], line].map {
        $0.replacing("\"run\":\"a\"", with: "\"run\":\"\(what)\"")
      }
      #expect(try ingest([run] + lines).totals.badLines == 1)
    }
    #expect(try column("SELECT nfe FROM predictions WHERE image_index = 4 LIMIT 1") == ["6"])
    let question = Self.run.replacing("\"guidance\":3", with: "\"guidance\":4")
    #expect(try ingest([question]).answers.first?["error"] != nil)
  }

  @Test func attackedRunsCountInRobustness() throws {
    let head =
      #"{"type":"run","run":"b","classes":2,"shape":[1,1,2],"model":"m","attack":{"name":"pgd","norm":"linf","epsilon":0.03,"steps":10}}"#
    let image = { (index: Int, predicted: Int) in
      #"{"type":"image","run":"b","index":\#(index),"label":0,"predicted":\#(predicted),"elbos":[1,null],"attack":{"clean_predicted":0,"image":[0.5,0.25],"linf":0.03}}"#
    }
    let (_, totals) = try ingest(
      [head, image(0, 0), image(1, 1), image(2, 1), #"{"type":"end","run":"b"}"#])
    #expect(totals.badLines == 0)
    #expect(try column("SELECT n || ' ' || n_robust FROM robustness") == ["3 1"])
    #expect(try column("SELECT count(*) FROM adversarial_images") == ["3"])
  }

  @Test func newerLinesAreRefusedAndWhatCameBeforeIsKept() throws {
    #expect(throws: ElbowError.self) { try ingest([Self.run, Self.images[0], #"{"elbow":2}"#]) }
    #expect(try column("SELECT images FROM runs") == ["1"])
  }

  @Test func elbowsOwnRunsTakeNothing() throws {
    let store = try RunStore(database, for: .write)
    let own = try record(header(1), [prediction(0)], in: store)
    store.close()
    let line = Self.run.replacing("\"run\":\"a\"", with: "\"run\":\"\(own.id)\"")
    #expect((try ingest([line]).answers.first?["error"] as? String)?.contains("own") == true)
  }

  @Test func theSchemaHasEveryMember() throws {
    let schema = try JSONSerialization.jsonObject(with: Data(Ingest.schema.utf8))
    let definitions = try #require((schema as? [String: Any])?["$defs"] as? [String: Any])
    for (type, fields) in Ingest.fields {
      let definition = try #require(definitions[type] as? [String: Any])
      let properties = try #require(definition["properties"] as? [String: Any])
      #expect(Set(properties.keys) == Set(fields), "\(type)")
    }
  }
}
