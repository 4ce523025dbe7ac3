import Foundation
import TestSupport
import Testing

@Suite struct StoreBenchTests {
  /// The same seed makes the same runs, and every measured command answers.
  @Test func syntheticFilesAreMadeAndQueried() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let figures = """
      SELECT id, status, strategy, images, n_correct, nfe_per_image, replay_of FROM runs ORDER BY id
      """
    var answers: [String] = []
    for name in ["a.db", "b.db"] {
      let made = try elbow.run(
        "bench", "store", "--generate", name, "--runs", "60", "--losses", "30000", "--seed", "3")
      #expect(made.status == 0, "\(made.errors)")
      answers.append(try elbow.run("sql", figures, "--db", name, "--format", "tsv").output)
    }
    #expect(answers[0] == answers[1] && answers[0].split(separator: "\n").count > 50)
    let health = try elbow.run("query", "health", "--db", "a.db", "--format", "json").objects[0]
    #expect(health["wrong_totals"] as? Int == 0 && health["integrity"] as? String == "ok")
    let measured = try elbow.run(
      "bench", "store", "--queries", "a.db", "--repeats", "1", "--format", "json")
    #expect(measured.status == 0, "\(measured.errors)")
    let commands = try measured.objects.compactMap { $0["command"] as? String }
    for command in ["opening the file", "runs", "compare ID ID", "pareto"] {
      #expect(commands.contains(command))
    }
    #expect(try elbow.run("bench", "store", "--generate", "a.db").status == 2)
  }

  @Test func recordingIsMeasuredBesidePlainSQLite() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(
      "bench", "store", "--levels", "5", "--losses", "5000", "--points", "2000", "--transaction",
      "500", "--images", "1", "--repeats", "1", "--folder", elbow.folder, "--format", "json")
    #expect(result.status == 0, "\(result.errors)")
    let rows = try result.objects
    #expect(
      rows.compactMap { $0["measure"] as? String }
        == [
          "losses of 5 timesteps", "room for them", "metrics", "recording a run",
          "room for losses of halving:5x10,1x50", "room for losses of sift:2,50",
          "room for losses of racing:0.05",
        ])
    for row in rows { #expect(row["value"] as? Double ?? 0 > 0) }
    // Four bytes a loss, and nothing for free.
    #expect(rows[1]["value"] as? Double ?? 0 > 4)
    #expect(try elbow.run("bench", "store", "--timesteps", "x").status == 2)
  }
}
