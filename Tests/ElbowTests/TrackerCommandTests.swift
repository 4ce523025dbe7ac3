import Foundation
import TestSupport
import Testing

/// Runs of other trackers, by the program.
struct TrackerCommandTests {
  private let program: Program

  init() throws {
    program = try Program()
    try "run,step,loss,lr\nx,0,1,0.1\nx,1,0.5,0.1\n".write(
      toFile: program.folder + "/t.csv", atomically: true, encoding: .utf8)
  }

  @Test func aTableIsTakenInAndSentOn() throws {
    let first = try program.run(
      "import", "csv", "t.csv", "--parameters", "lr", "--format", "json")
    #expect(first.status == 0, "\(first.errors)")
    #expect(try first.objects.first?["points"] as? Int == 2)
    #expect(
      try program.run("runs", "--where", "params.lr = 0.1", "--format", "json").objects.count == 1)
    let server = try StandInMLflow()
    let sent = try program.run("export", "--to", "mlflow", server.address, "--format", "json")
    #expect(sent.status == 0, "\(sent.errors)")
    #expect(try sent.objects.first?["state"] as? String == "new")
    let back = try program.run(
      "import", "mlflow", server.address, "--db", "b.db", "--format", "json")
    #expect(try back.objects.first?["new"] as? Int == 1)
    let again = try program.run(
      "export", "@last", "--to", "mlflow", server.address, "--format", "json")
    #expect(try again.objects.first?["state"] as? String == "unchanged")
    let nowhere = try program.run("export", "@last", "--to", "mlflow")
    #expect(nowhere.status == 2 && nowhere.errors.contains("name the server"))
  }

  @Test func theLinesAreThoseOfIngest() throws {
    let lines = try program.run("import", "csv", "t.csv", "--lines")
    #expect(
      lines.status == 0 && !FileManager.default.fileExists(atPath: program.folder + "/elbow.db"))
    try lines.output.write(
      toFile: program.folder + "/lines.jsonl", atomically: true, encoding: .utf8)
    #expect(try program.run("ingest", "lines.jsonl").status == 0)
    #expect(try program.column("SELECT value FROM metrics WHERE name = 'loss'").count == 2)
    // The same runs, so that the import that follows adds nothing.
    let import_ = try program.run("import", "csv", "t.csv", "--format", "json")
    #expect(try import_.objects.first?["new"] as? Int == 0)
  }

  @Test func whatCannotBeTakenIsSaidAndEndsWithAStatus() throws {
    try "run,step,loss\nx,0,1\nx,1\n".write(
      toFile: program.folder + "/bad.csv", atomically: true, encoding: .utf8)
    let bad = try program.run("import", "csv", "bad.csv")
    #expect(bad.status == 1 && bad.errors.contains("bad.csv, line 3"))
    #expect(try program.run("import", "mlflow", "nowhere").status == 1)
    #expect(try program.run("export", "--experiment", "x").status == 2)
    #expect(
      try program.run("export", "--to", "mlflow", "http://127.0.0.1:1", "-o", "x").status == 2)
  }
}
