import Basics
import Foundation
import TestSupport
import Testing

import Trackers

/// Tables of runs.
struct TableTests {
  private let file: Recorded
  init() throws { file = try Recorded() }

  private func csv(
    _ text: String, name: String = "t.csv", metrics: [String] = []
  ) throws -> CSVFile {
    CSVFile(try file.folder.write(name, text), metrics: metrics)
  }

  @Test func aLineIsARun() throws {
    let path = try file.folder.write(
      "t.csv",
      """
      Name,State,lr,layers,optimizer,loss,tags.by,start_time,end_time\r
      "a ""b"", c",finished,0.1,4,adam,0.25,me,2026-01-02 03:04:05.678+00:00,2026-01-02T04:04:05Z\r
      d,killed,0.01,8,sgd,nan,,1700000000,\r
      """)
    let source = CSVFile(path, parameters: ["lr", "layers"])
    let (totals, problems) = try file.record(source)
    #expect(problems.isEmpty && totals.runs == 2 && totals.new == 2 && totals.points == 2)
    #expect(
      try file.rows("SELECT name, status, started_at, finished_at FROM runs ORDER BY name").first
        == "a \"b\", c|finished|2026-01-02T03:04:05.678Z|2026-01-02T04:04:05.000Z")
    #expect(try file.rows("SELECT status FROM runs WHERE name = 'd'") == ["interrupted"])
    #expect(
      try file.rows("SELECT DISTINCT key FROM run_tag ORDER BY 1") == [
        "by", "params.layers", "params.lr", "params.optimizer",
      ])
    #expect(
      try file.rows("SELECT name, step, value FROM metrics ORDER BY run_id, value") == [
        "loss|0|null", "loss|0|0.25",
      ])
    let before = try file.everything()
    #expect(try file.record(source).totals.new == 0)
    #expect(try file.everything() == before)
  }

  @Test func aLineIsAStepOrAValue() throws {
    let path = try file.folder.write(
      "t.csv", "run,epoch,loss,acc\nx,0,1,0.5\nx,1,0.5,\ny,0,2,0.1\n")
    let (totals, problems) = try file.record(CSVFile(path, columns: ["step=epoch"]))
    #expect(problems.isEmpty && totals.runs == 2 && totals.points == 5)
    let long = try csv(
      "run\tmetric\tstep\tvalue\nx\tloss\t3\t-inf\nx\tloss\t4\t1e-3\n", name: "l.tsv")
    #expect(try file.record(long).totals.points == 2)
    #expect(
      try file.rows("SELECT step, value FROM metrics WHERE step > 2 ORDER BY step") == [
        "3|-inf", "4|0.001",
      ])
  }

  @Test func aTableThatGrewBringsWhatIsNew() throws {
    _ = try file.record(try csv("run,step,loss\nx,0,1\n"))
    let (totals, _) = try file.record(try csv("run,step,loss\nx,0,1\nx,1,0.5\n"))
    #expect(totals.new == 0 && totals.points == 1)
    #expect(
      try file.rows("SELECT status, (SELECT count(*) FROM session) FROM runs") == ["finished|1"])
  }

  @Test func whatIsWrongIsNamedByItsLine() throws {
    let (totals, problems) = try file.record(
      try csv(
        """
        run,step,loss,status
        x,0,1,finished
        x,1,oops,finished
        x,-1,2,finished
        x,1e300,2,finished
        short,1
        y,0,1,asleep

        """, metrics: ["loss"]))
    #expect(totals.problems == 5 && problems.count == 5)
    for (line, what) in [
      (3, "no number"), (4, "'step' must be a whole number"), (5, "no whole number"),
      (6, "has 2 fields"), (7, "'asleep' is not known"),
    ] {
      #expect(
        problems.contains { $0.contains("t.csv, line \(line)") && $0.contains(what) }, "\(line)")
    }
    #expect(throws: ElbowError.self) { try file.record(try csv("a,b\n\"x,1\n")) }
    #expect(throws: ElbowError.self) { try file.record(try csv("a,a\n1,2\n")) }
    #expect(throws: ElbowError.self) { try file.record(try csv("")) }
  }
}
