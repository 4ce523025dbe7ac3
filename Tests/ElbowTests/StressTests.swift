import Foundation
import TestSupport
import Testing

/// Processes that are killed at random moments, whatever they do: nothing acknowledged is lost, the
/// file is whole, and the same command ends as an undisturbed one.
///
/// A round of each here; `.ci/stress N` gives N.
@Suite(.serialized) struct StressTests {
  @Test func sweepsGoOn() throws {
    func sweep(_ elbow: Program) throws -> [String] {
      try "images: 12\ngrid: linear:0.2:2:4\nweights: snr\nstrategy: uniform:2\nseed: [0, 1, 2]"
        .write(toFile: "\(elbow.folder)/s.yaml", atomically: true, encoding: .utf8)
      return ["sweep", "s.yaml", "--threads", "1"]
    }
    let calm = try Program()
    defer { calm.remove() }
    #expect(try calm.run(sweep(calm)).status == 0)
    let expected = try Stress.rows(calm)
    for _ in 0..<Stress.rounds {
      let elbow = try Program()
      defer { elbow.remove() }
      let arguments = try sweep(elbow)
      for _ in 0..<3 {
        guard let killed = try Stress.kill(elbow, arguments, within: 1.5) else { break }
        try Stress.checkHealth(elbow)
        let done = try elbow.run("sql", "SELECT max(n_done) FROM runs", "--format", "tsv")
        let least = Int(done.output.split(separator: "\n").last ?? "") ?? 0
        #expect(least >= Stress.reported(killed.errors), "\(killed.errors)")
      }
      let last = try elbow.run(arguments)
      #expect(last.status == 0, "\(last.errors)")
      #expect(try Stress.rows(elbow) == expected)
    }
  }

  /// A command that has ended well has logged its point.
  @Test func loggedPointsStay() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let id = try elbow.run("log", "new").output.trimmingCharacters(in: .whitespacesAndNewlines)
    var acknowledged: Set<String> = []
    for step in 0..<(12 * Stress.rounds) {
      let killed = try Stress.kill(
        elbow, ["log", id, "loss=\(step)", "--step", "\(step)"], within: 0.4)
      if killed == nil { acknowledged.insert("\(step)") }
    }
    try Stress.checkHealth(elbow)
    let recorded = try elbow.column("SELECT step FROM metrics WHERE name = 'loss'")
    #expect(acknowledged.subtracting(recorded).isEmpty)
  }

  /// A stream of points: what a reader has seen stays.
  @Test func streamedPointsStay() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let id = try elbow.run("log", "new").output.trimmingCharacters(in: .whitespacesAndNewlines)
    var step = 0
    for _ in 0..<Stress.rounds {
      let process = try elbow.process(["log", id], tag: UUID().uuidString)
      let pipe = Pipe()
      process.standardInput = pipe
      try process.run()
      let end = Date(timeIntervalSinceNow: .random(in: 0.3...2))
      var seen = 0
      while Date() < end {
        for _ in 0..<50 {
          try? pipe.fileHandleForWriting.write(contentsOf: Data("\(step) loss 0.5\n".utf8))
          step += 1
        }
        if Int.random(in: 0..<4) == 0 {
          seen = try elbow.column("SELECT count(*) FROM metrics").first.flatMap { Int($0) } ?? 0
        }
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let left = try elbow.column("SELECT count(*) FROM metrics").first.flatMap { Int($0) } ?? 0
      #expect(left >= seen)
      try Stress.checkHealth(elbow)
    }
  }

  /// Replays are there whole or not at all; what is in the trash goes, the rest stays.
  @Test func replaysAndCollectionsAreWhole() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let live = try elbow.run(["run", "--images", "40", "--name", "live"] + small)
    #expect(live.status == 0, "\(live.errors)")
    let expected = try elbow.column(
      "SELECT position, hex(\"values\") FROM loss JOIN runs ON id = run_id WHERE name = 'live'")
    for _ in 0..<Stress.rounds {
      try Stress.kill(elbow, ["replay", "live", "--strategy", "uniform:1...4"], within: 0.6)
      try Stress.checkHealth(elbow)
      #expect(
        try elbow.column("SELECT DISTINCT n_done || ' ' || status FROM runs") == ["40 finished"])
      _ = try elbow.run("rm", "--where", "replay_of IS NOT NULL")
      try Stress.kill(elbow, ["gc"], within: 0.5)
      try Stress.checkHealth(elbow)
      let left = try elbow.column(
        "SELECT position, hex(\"values\") FROM loss JOIN runs ON id = run_id WHERE name = 'live'")
      #expect(left == expected)
    }
    #expect(try elbow.run("gc").status == 0)
    #expect(try elbow.column("SELECT count(*) FROM run") == ["1"])
  }

  /// A training ends with the weights of an undisturbed one.
  @Test func trainingsGoOn() throws {
    func training(_ elbow: Program) throws -> [String] {
      try """
      width: 4
      multipliers: [1, 2]
      epochs: 0.02
      batch: 32
      held_out: 59000
      """.write(toFile: "\(elbow.folder)/r.yaml", atomically: true, encoding: .utf8)
      return ["train", "classifier", "-c", "r.yaml", "--out", "m.safetensors", "--threads", "1"]
    }
    let calm = try Program()
    defer { calm.remove() }
    let whole = try calm.run(training(calm))
    #expect(whole.status == 0, "\(whole.errors)")
    func model(_ elbow: Program) throws -> [String] {
      try elbow.column("SELECT DISTINCT model_sha256 FROM trainings WHERE status = 'finished'")
    }
    for _ in 0..<Stress.rounds {
      let elbow = try Program()
      defer { elbow.remove() }
      let arguments = try training(elbow)
      var isDone = false
      for _ in 0..<2 where !isDone {
        isDone = try Stress.kill(elbow, arguments, within: 1.5) == nil
        try Stress.checkHealth(elbow)
      }
      // The kill may have come after the model, and before what is recorded of it.
      if !FileManager.default.fileExists(atPath: "\(elbow.folder)/m.safetensors") {
        let last = try elbow.run(arguments)
        #expect(last.status == 0, "\(last.errors)")
      }
      let bytes = { (elbow: Program) in
        try Data(contentsOf: URL(fileURLWithPath: "\(elbow.folder)/m.safetensors"))
      }
      #expect(try bytes(elbow) == bytes(calm))
      let names = try FileManager.default.contentsOfDirectory(atPath: elbow.folder)
      #expect(!names.contains { $0.hasSuffix(".part") || $0.hasSuffix(".state") }, "\(names)")
    }
  }

  /// A merge leaves whole runs of whole files, and ends as an undisturbed one.
  @Test func mergesAreWhole() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let parts = (0..<3).map { "\($0).db" }
    for (part, name) in parts.enumerated() {
      for seed in 0..<4 {
        let run = try elbow.run(
          ["run", "--images", "4", "--seed", "\(4 * part + seed)", "--db", name] + small)
        #expect(run.status == 0, "\(run.errors)")
      }
    }
    #expect(try elbow.run(["merge"] + parts + ["--into", "whole.db"]).status == 0)
    let expected = try Stress.rows(elbow, database: "whole.db")
    for round in 0..<Stress.rounds {
      let all = "all\(round).db"
      for _ in 0..<6 {
        try Stress.kill(elbow, ["merge"] + parts + ["--into", all], within: 0.15)
        guard FileManager.default.fileExists(atPath: "\(elbow.folder)/\(all)") else { continue }
        let check = try elbow.run("verify", "--db", all, "--format", "json")
        #expect(check.status == 0, "\(check.output) \(check.errors)")
        let counts = try elbow.run(
          "sql", "SELECT count(*) FROM runs", "--db", all, "--format", "tsv")
        #expect(["0", "4", "8", "12"].contains(counts.output.split(separator: "\n").last))
      }
      #expect(try elbow.run(["merge"] + parts + ["--into", all]).status == 0)
      #expect(try Stress.rows(elbow, database: all) == expected)
    }
  }

  /// A file of an older schema is of the old one or of the new one.
  @Test func migrationsAreWhole() throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../RunStoreTests/Fixtures/OldFiles").standardizedFileURL
    let old = try FileManager.default.contentsOfDirectory(atPath: fixtures.path)
      .filter { $0.hasSuffix(".sqlite") }.sorted()
    try #require(!old.isEmpty)
    for round in 0..<(old.count * Stress.rounds) {
      let elbow = try Program()
      defer { elbow.remove() }
      let source = fixtures.appending(path: old[round % old.count]).path
      for name in ["calm.db", "elbow.db"] {
        try FileManager.default.copyItem(atPath: source, toPath: "\(elbow.folder)/\(name)")
      }
      try Stress.kill(elbow, ["runs"], within: 0.15)
      try Stress.checkHealth(elbow)
      #expect(
        try Stress.rows(elbow) == Stress.rows(elbow, database: "calm.db"),
        "\(old[round % old.count])")
    }
  }
}
