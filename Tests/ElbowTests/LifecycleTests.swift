import Foundation
import TestSupport
import Testing

/// What is done to runs after they are recorded, as a user does it.
@Suite struct LifecycleTests {
  private func lines(_ result: Program.Result) -> [String] {
    result.output.split(separator: "\n").map(String.init)
  }

  /// `elbow` with standard input.
  private func run(_ elbow: Program, _ arguments: [String], input: String) throws -> Program.Result
  {
    let file = "\(elbow.folder)/input"
    try input.write(toFile: file, atomically: true, encoding: .utf8)
    let tag = UUID().uuidString
    let process = try elbow.process(arguments, tag: tag)
    process.standardInput = FileHandle(forReadingAtPath: file)
    try process.run()
    return try elbow.result(process, tag: tag)
  }

  @Test func otherProgramsLog() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let new = try elbow.run("log", "new", "--name", "theirs", "--group", "g", "--tag", "lr=0.1")
    #expect(new.status == 0, "\(new.errors)")
    let id = new.output.trimmingCharacters(in: .newlines)
    #expect(id.count == 26)
    let prefix = String(id.prefix(14))
    #expect(try elbow.run("log", prefix, "loss=0.5", "acc=0.25").status == 0)
    #expect(try elbow.run("log", prefix, "loss=nan", "--step", "4").status == 0)
    let bulk = try run(
      elbow, ["log", prefix],
      input: """
        {"step": 2, "loss": 0.25, "val/loss": NaN}
        3 loss 0.125

        {"loss": Infinity, "time": 1500000000.5}
        {"acc": null}
        """)
    #expect(bulk.status == 0, "\(bulk.errors)")
    let points = try elbow.run("metrics", prefix, "--format", "tsv")
    let values = lines(points).dropFirst().map {
      $0.split(separator: "\t").prefix(3).joined(separator: " ")
    }
    #expect(
      values == [
        "acc 0 0.25", "acc 6 NaN", "loss 0 0.5", "loss 2 0.25", "loss 3 0.125", "loss 4 NaN",
        "loss 5 Infinity", "val/loss 2 NaN",
      ])
    #expect(points.output.contains("2017-07-14T02:40:00.500Z"))
    let some = try elbow.run("metrics", prefix, "acc", "--format", "json").objects
    #expect(some.map { $0["value"] as? String ?? "" } == ["", "NaN"])
    #expect(try elbow.run("metrics", prefix, "lss").errors.contains("did you mean 'loss'"))
    let shown = try elbow.run("show", prefix)
    #expect(shown.output.contains("Metrics") && shown.output.contains("another program"))
    let series = try elbow.run("show", prefix, "--format", "json").object["metrics"]
    #expect((series as? [[String: Any]])?.count == 3)

    // Lines before a bad one are recorded.
    let broken = try run(elbow, ["log", prefix], input: "7 loss 1\n8 loss one\n9 loss 1\n")
    #expect(broken.status == 2 && broken.errors.contains("line 2"))
    #expect(try elbow.column("SELECT max(step) FROM metrics") == ["7"])
    for wrong in [["loss"], ["loss=x"], ["loss=1", "loss=2"], ["loss=1", "--step", "-1"]] {
      #expect(try elbow.run(["log", prefix] + wrong).status == 2, "\(wrong)")
    }
    let found = try elbow.run(
      "runs", "--where", "last(loss) < 2 AND mean(acc) = 0.25", "--columns", "name,metrics.loss",
      "--format", "csv")
    #expect(lines(found).last == "theirs,1")
    #expect(try elbow.run("log", "end", prefix, "--error", "stopped").status == 0)
    #expect(try elbow.column("SELECT status || error FROM runs") == ["failedstopped"])
    #expect(try elbow.run("log", "end", prefix).status == 2)
    #expect(try elbow.run("run", "--resume", prefix).status == 2)
    #expect(try elbow.run("run", "--inputs", prefix).status == 2)
    #expect(try elbow.run("replay", prefix, "--strategy", "full").status == 2)
    #expect(try elbow.run("compare", prefix, prefix).status != 132)
    #expect(try elbow.run("runs").output.contains("theirs"))
  }

  @Test func runsAreLabelledAndRemoved() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let missing = try elbow.run("tag", "01", "a=b")
    #expect(missing.status == 1 && missing.errors.contains("no database"))
    var ids: [String] = []
    for seed in 0..<3 {
      let run = try elbow.run(
        ["run", "--images", "2", "--seed", "\(seed)", "--format", "json"] + small)
      ids.append(try #require(try run.object["id"] as? String))
    }
    let replay = try elbow.run("replay", ids[0], "--strategy", "uniform:1", "--format", "json")
    let replayed = try #require(try replay.objects[0]["id"] as? String)

    let dry = try elbow.run("tag", "stage=final", "--where", "seed < 2", "--dry-run")
    #expect(dry.errors.contains("3 runs would be tagged") && dry.status == 0, "\(dry.errors)")
    #expect(try elbow.column("SELECT count(*) FROM run_tag") == ["0"])
    #expect(
      try elbow.run("tag", "stage=final", "--where", "seed < 2").errors.contains("3 runs tagged"))
    #expect(try elbow.run("tag", ids[0], ids[1], "--remove", "stage").status == 0)
    #expect(try elbow.column("SELECT run_id FROM run_tag") == [replayed])
    for wrong in [
      ["tag", ids[0]], ["tag", "a=b"], ["tag", ids[0], "a=b", "--where", "seed = 1"],
    ] {
      #expect(try elbow.run(wrong).status == 2, "\(wrong)")
    }
    #expect(try elbow.run("group", ids[0], ids[1], "pair").status == 0)
    #expect(try elbow.run("group", ids[0], "--none").status == 0)
    #expect(try elbow.column("SELECT id FROM runs WHERE \"group\" = 'pair'") == [ids[1]])

    #expect(try elbow.run("note", ids[0], "first").status == 0)
    #expect(try elbow.run("note", ids[0], "second").status == 0)
    #expect(try elbow.run("note", ids[0]).output == "first\nsecond\n")
    let editor = try elbow.process(["note", ids[0], "--edit"], tag: "edit")
    editor.environment = ProcessInfo.processInfo.environment.merging(
      ["EDITOR": "sed -i s/first/last/"]) { $1 }
    try editor.run()
    #expect(try elbow.result(editor, tag: "edit").status == 0)
    #expect(try elbow.run("note", ids[0]).output == "last\nsecond\n")
    #expect(try elbow.run("note", ids[0], "", "--replace").status == 0)
    #expect(try elbow.run("note", ids[0]).output.isEmpty)

    let refused = try elbow.run("rm", ids[0], ids[1])
    #expect(refused.status == 1 && refused.errors.contains(replayed))
    #expect(
      try elbow.run("rm", ids[0], ids[1], "--with-dependants").errors.contains("3 runs moved"))
    #expect(try elbow.column("SELECT id FROM runs") == [ids[2]])
    let trash = try elbow.run("runs", "--deleted", "--format", "json").objects
    #expect(Set(trash.compactMap { $0["id"] as? String }) == [ids[0], ids[1], replayed])
    #expect(try elbow.run("show", ids[0]).errors.contains("elbow restore"))
    #expect(try elbow.run("restore", replayed).errors.contains("2 runs restored"))
    #expect(try elbow.run("restore", replayed).status == 2)
    let plan = try elbow.run("gc", "--dry-run", "--format", "json").objects
    let deleted = Dictionary(
      plan.map { ($0["deleted"] as? String ?? "", $0["rows"] as? Int ?? 0) }, uniquingKeysWith: +)
    #expect(deleted["runs"] == 1 && deleted["losses"] == 2 && deleted["images"] == nil)
    let gc = try elbow.run("gc")
    #expect(gc.status == 0 && gc.errors.contains("before"))
    #expect(try elbow.column("SELECT count(*) FROM run") == ["3"])
    #expect(try elbow.run("restore", ids[1]).status == 2)
    #expect(try elbow.run("doctor").status == 0)
  }
}
