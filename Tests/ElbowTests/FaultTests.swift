import Foundation
import GRDB
import RunStore
import TestSupport
import Testing

/// What only whole processes show of trouble: names, bounds, signals, texts.
@Suite struct FaultTests {
  /// Names that SQLite would take for something else are files, to every command.
  @Test(arguments: ["file:u.db", "file:u.db?mode=memory", ":memory:"])
  func databasesAreFiles(name: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run("log", "new", "--db", name).status == 0)
    let runs = try elbow.run("runs", "--db", name, "--format", "json")
    #expect(try runs.objects.count == 1, "\(runs.errors)")
    #expect(FileManager.default.fileExists(atPath: "\(elbow.folder)/\(name)"))
  }

  private static let endless =
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT "

  /// A statement without end is ended, whether it gives rows or not.
  @Test func answersAreBounded() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    _ = try elbow.run("log", "new")
    let silent = try elbow.run("sql", Self.endless + "max(x) FROM n", "--timeout", "1s")
    #expect(silent.status == 1 && silent.output.isEmpty)
    #expect(silent.errors.contains("took longer than 1s"), "\(silent.errors)")
    let long = try elbow.run(
      "sql", Self.endless + "x FROM n", "--format", "csv", "--timeout", "1m")
    #expect(long.status == 1 && long.output.hasSuffix("\n99999\n100000\n"))
    #expect(long.errors.contains("--timeout 0 all"), "\(long.errors)")
    let few = try elbow.run("sql", Self.endless + "x FROM n", "--format", "jsonl", "--limit", "2")
    #expect(few.status == 0 && few.output == "{\"x\": 1}\n{\"x\": 2}\n" && few.errors.isEmpty)
    let all = try elbow.run(
      "sql", Self.endless + "x FROM n LIMIT 100002", "--format", "tsv", "--timeout", "0")
    #expect(all.status == 0 && all.output.hasSuffix("\n100002\n"))
    let query = try elbow.run("query", "runs", "--limit", "0", "--format", "csv")
    #expect(query.status == 0 && query.output.split(separator: "\n").count == 1)
    #expect(try elbow.run("sql", "SELECT 1", "--timeout", "soon").status == 2)
  }

  /// Ctrl-C stops a statement at once.
  @Test func statementsAreInterrupted() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    _ = try elbow.run("log", "new")
    let process = try elbow.process(
      ["sql", Self.endless + "max(x) FROM n", "--timeout", "0"], tag: "sql")
    try process.run()
    Thread.sleep(forTimeInterval: 0.5)
    kill(process.processIdentifier, SIGINT)
    // By itself it would never end.
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
  }

  /// What came by a pipe is recorded where the process is told to end.
  @Test(arguments: [SIGTERM, SIGINT]) func streamsEndInGoodOrder(signal: Int32) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let id = try elbow.run("log", "new").output.trimmingCharacters(in: .whitespacesAndNewlines)
    let process = try elbow.process(["log", id], tag: "log")
    let pipe = Pipe()
    process.standardInput = pipe
    try process.run()
    // The first says that it listens.
    try pipe.fileHandleForWriting.write(contentsOf: Data("1 loss 0.5\n".utf8))
    while try elbow.column("SELECT count(*) FROM metrics") != ["1"], process.isRunning {
      Thread.sleep(forTimeInterval: 0.05)
    }
    try pipe.fileHandleForWriting.write(
      contentsOf: Data("{\"step\": 2, \"loss\": 0.25}\n3 loss 0.125\n".utf8))
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
    #expect(try elbow.column("SELECT step FROM metrics ORDER BY step") == ["1", "2", "3"])
  }

  /// What is told to be tried next is of the same database.
  @Test func suggestionsNameTheDatabase() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    _ = try elbow.run("log", "new", "--db", "my own.db")
    let unknown = try elbow.run("show", "nothing", "--db", "my own.db")
    #expect(unknown.errors.contains("'elbow runs --db 'my own.db''"), "\(unknown.errors)")
    let plain = try elbow.run("show", "nothing", "--db=./my own.db")
    #expect(plain.errors.contains("'elbow runs --db './my own.db''"), "\(plain.errors)")
    let process = try elbow.process(
      ["run", "--images", "300", "--threads", "1", "--db", "x.db"] + small, tag: "run")
    try process.run()
    while process.isRunning,
      !FileManager.default.fileExists(atPath: "\(elbow.folder)/x.db-wal")
    {
      Thread.sleep(forTimeInterval: 0.05)
    }
    kill(process.processIdentifier, SIGINT)
    let result = try elbow.result(process, tag: "run")
    #expect(result.errors.contains(" --db x.db\n"), "\(result.errors)")
  }

  /// Whatever a run is called, and whoever made the file: nothing of it is obeyed, in any format.
  @Test func hostileTextsAreShown() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let hostile =
      "=1+1\u{1B}]0;owned\u{7}\u{9B}31m\u{202E}<script>\n\\input{x} [l](javascript:x) \u{2066}"
    let made = try elbow.run(
      "run", "--images", "2", "--name", hostile, "--group", hostile, "--note", hostile, "--tag",
      "k=\(hostile)", "--strategy", "uniform:2", "--grid", "linear:0.2:2:4")
    #expect(made.status == 0, "\(made.errors)")
    func check(_ text: String, _ what: String, lines: Bool = false) {
      let unseen = text.unicodeScalars.filter { scalar in
        scalar != "\n" && scalar != "\t"
          && [.control, .format].contains(scalar.properties.generalCategory)
      }
      #expect(unseen.isEmpty, "\(what): \(unseen.map { String($0.value, radix: 16) })")
    }
    for part in [made.output, made.errors] { check(part, "run") }
    for format in ["table", "json", "jsonl", "markdown", "latex"] {
      for command in [
        ["runs"], ["runs", "--columns", "name,group,note"], ["show", "@last"], ["query", "runs"],
        ["sql", "SELECT name AS \"\(hostile)\", note FROM runs"], ["export"],
      ] where !(command[0] == "export" && format == "table") {
        let shown = try elbow.run(command + ["--format", format])
        guard shown.status != 2 else { continue }
        check(shown.output + shown.errors, "\(command[0]) \(format)")
        if format == "latex" { #expect(!shown.output.contains("\\input")) }
        if format == "markdown" {
          #expect(!shown.output.contains("<script>") && !shown.output.contains(/[^\\]\]\(java/))
        }
      }
    }
    for format in ["csv", "tsv"] {
      let shown = try elbow.run("export", "--format", format)
      #expect(!shown.output.contains(/(^|[,\t\n"])=1\+1/) && shown.output.contains("'=1+1"))
    }
    for file in ["report.html", "figure.svg"] {
      let drawn = try elbow.run(
        file.hasSuffix("html")
          ? ["export", "-o", file] : ["plot", "confusion", "@last", "-o", file])
      guard drawn.status == 0 else {
        Issue.record("\(drawn.errors)")
        continue
      }
      let text = try String(contentsOfFile: "\(elbow.folder)/\(file)", encoding: .utf8)
      check(text, file)
      #expect(!text.contains("<script>\\") && !text.contains("<script>␊"))
    }
    let unknown = try elbow.run("show", hostile + "x")
    check(unknown.errors, "error")
  }

  /// A killed export leaves the old file, and nothing beside it.
  @Test func killedExportsLeaveNothing() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run(["run", "--images", "40"] + small).status == 0)
    try "old".write(toFile: "\(elbow.folder)/l.csv", atomically: true, encoding: .utf8)
    for _ in 0..<4 {
      try Stress.kill(elbow, ["export", "@last", "--table", "losses", "-o", "l.csv"], within: 0.3)
      let names = try FileManager.default.contentsOfDirectory(atPath: elbow.folder)
      #expect(!names.contains { $0.hasSuffix(".part") })
      let text = try String(contentsOfFile: "\(elbow.folder)/l.csv", encoding: .utf8)
      #expect(text == "old" || text.split(separator: "\n").count == 40 * 4 * 10 + 1)
    }
  }
}
