import Basics
import Records
import RunStore
import TestSupport
import Testing

/// Runs of other programs, image by image.
@Suite struct RecordTests {
  @Test func anotherProgramsRunStandsAmongTheOthers() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let header = header()
    try store.record(header, [prediction(1), prediction(0), prediction(2, correct: false)], ending)
    let runs = try store.query("runs", columns: ["id", "status", "n_correct", "nfe_per_image"])
    #expect(runs.rows == [[.text(header.id), .text("finished"), .integer(2), .real(10)]])
    guard case .dense(let losses) = try store.losses(run: header.id, position: 2) else {
      Issue.record("the losses are dense")
      return
    }
    #expect(losses == [1, 2, 3, .infinity])
    #expect(try store.recordedRun(header.id).invocation == RunHeader.foreignInvocation)
  }

  @Test func contradictionsAreRefusedAndNothingIsRecorded() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    func refusal(_ predictions: [Prediction]) -> String {
      do {
        try store.record(header(), predictions, ending)
        return "no error"
      } catch { return "\(error)" }
    }
    var short = prediction(0)
    short.losses = .dense([1, 2])
    var stranger = prediction(0)
    stranger.predicted = 2
    let all = (0..<3).map { prediction($0) }
    for (predictions, expected) in [
      (Array(all.prefix(2)), "1 of its inputs have no answer"),
      (all + [prediction(3)], "position 3 is none of its 3 inputs"),
      (all + [prediction(1)], "position 1 is answered twice"),
      ([short] + all.dropFirst(), "position 0 has 2 losses"),
      ([stranger] + all.dropFirst(), "names a class that is none of its 2"),
    ] {
      let message = refusal(predictions)
      #expect(message.contains(expected), "\(message)")
    }
    #expect(try store.query("runs").rows.isEmpty)
  }
}
