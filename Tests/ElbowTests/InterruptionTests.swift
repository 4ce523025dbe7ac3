import Foundation
import GRDB
import TestSupport
import Testing

/// Runs that are killed, interrupted, and gone on with; each a real process and a real file.
@Suite(.serialized) struct InterruptionTests {
  /// With a seed that JSON's numbers do not hold.
  private static let arguments =
    ["run", "--images", "60", "--strategy", "halving:3x2,1x4", "--seed", "\(UInt64.max)"] + small

  /// What a run recorded, ids and times aside.
  private static let rows = [
    "SELECT position, image_index, label, predicted, correct, nfe, gradients FROM predictions",
    "SELECT position, class, elbo, last_round FROM class_elbos",
    "SELECT position, hex(\"values\"), hex(places) FROM loss",
    "SELECT timestep, sigma, weight, strategy_weight FROM run_timestep",
    "SELECT status, images, seed, fingerprint, accuracy, n_correct, nfe_per_image FROM runs",
  ]

  private func rows(_ elbow: Program) throws -> [[String]] {
    try Self.rows.map { try elbow.column($0).sorted() }
  }

  @Test func killedRunsResumeToTheSameRows() throws {
    let undisturbed = try Program()
    defer { undisturbed.remove() }
    let whole = try undisturbed.run(Self.arguments)
    #expect(whole.status == 0, "\(whole.errors)")
    let expected = try rows(undisturbed)
    #expect(expected[0].count == 60)

    for round in 0..<2 {
      let elbow = try Program()
      defer { elbow.remove() }
      var arguments = Self.arguments
      var kills = 0
      // Killed again and again, at random moments, until one attempt comes through.
      while kills <= 3 {
        let tag = "\(round)-\(kills)"
        let process = try elbow.process(arguments, tag: tag)
        try process.run()
        if kills < 3 { Thread.sleep(forTimeInterval: .random(in: 0.05...1.2)) }
        if kills < 3, process.isRunning { kill(process.processIdentifier, SIGKILL) }
        let result = try elbow.result(process, tag: tag)
        if result.status == 0, process.terminationReason == .exit { break }
        kills += 1
        guard FileManager.default.fileExists(atPath: "\(elbow.folder)/elbow.db") else { continue }
        let runs = try elbow.run("runs", "--format", "json")
        guard runs.status == 0, let run = try runs.objects.first else { continue }
        // The kill may have come after the last row and before the exit.
        if run["status"] as? String == "finished" { break }
        try #require(run["status"] as? String == "crashed", "\(result.errors)")
        // Nothing that the progress line reported is lost.
        let done = try #require(run["n_done"] as? Int)
        #expect(done >= Self.reported(result.errors))
        let id = try #require(run["id"] as? String)
        arguments = ["run", "--resume", id]
      }
      #expect(try rows(elbow) == expected, "round \(round)")
      #expect(try elbow.column("SELECT integrity FROM (\(Self.integrity))") == ["ok"])
    }
  }

  private static let integrity = "SELECT quick_check AS integrity FROM pragma_quick_check"

  /// The last `done/total` of progress lines.
  private static func reported(_ errors: String) -> Int {
    errors.matches(of: /(\d+)\/60/).compactMap { Int($0.1) }.last ?? 0
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func signalsInterruptInGoodOrder(signal: Int32) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let (before, after) = (elbow.folder + "/before", elbow.folder + "/after")
    try FileManager.default.copyItem(atPath: "/usr/share/datasets/fashion-mnist", toPath: before)
    let process = try elbow.process(
      ["run", "--images", "200", "--strategy", "uniform:3", "--data", before] + small)
    try process.run()
    let predictions = ["sql", "SELECT count(*) > 0 FROM prediction", "--format", "tsv"]
    while process.isRunning, try !elbow.run(predictions).output.hasSuffix("\n1\n") {
      Thread.sleep(forTimeInterval: 0.1)
    }
    kill(process.processIdentifier, signal)
    let result = try elbow.result(process)
    #expect(process.terminationReason == .exit && result.status == 130, "\(result.errors)")
    #expect(result.errors.contains("--resume"))
    let run = try #require(try elbow.run("runs", "--format", "json").objects.first)
    #expect(run["status"] as? String == "interrupted")
    let id = try #require(run["id"] as? String)
    // Nothing may be changed on the way.
    #expect(try elbow.run("run", "--resume", id, "--weights", "edm").status == 2)
    // The machine may have been started again meanwhile: nobody can tell of the process.
    let queue = try DatabaseQueue(patient: elbow.folder + "/elbow.db")
    try queue.write {
      try $0.execute(
        sql: """
          UPDATE run SET status = 'running', finished_at = NULL;
          UPDATE session SET boot_id = 'another', heartbeat_at = '2026-01-01T00:00:00.000Z'
          """)
    }
    try queue.close()
    #expect(try elbow.column("SELECT status FROM runs") == ["crashed"])
    // The folder of the images may have moved.
    try FileManager.default.moveItem(atPath: before, toPath: after)
    let lost = try elbow.run("run", "--resume", id)
    #expect(lost.status != 0 && lost.errors.contains("with --data"), "\(lost.errors)")
    let resumed = try elbow.run("run", "--resume", id, "--data", after, "--format", "json")
    #expect(resumed.status == 0, "\(resumed.errors)")
    for words in [["plot", "image", id, "--image", "3"], ["plot", "errors", id, "--image", "3"]] {
      let drawn = words + ["-o", elbow.folder + "/picture.png"]
      #expect(try elbow.run(drawn).status != 0)
      let again = try elbow.run(drawn + ["--data", after])
      #expect(again.status == 0, "\(again.errors)")
    }
    #expect(try resumed.object["status"] as? String == "finished")
    #expect(try elbow.column("SELECT count(*) FROM prediction") == ["200"])
    #expect(try elbow.column("SELECT count(*) FROM session") == ["2"])
    #expect(try elbow.run("run", "--resume", id).status == 2)
  }

  @Test func budgetsInterruptAsWell() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(
      ["run", "--images", "5000", "--budget", "1s", "--format", "json"] + small)
    #expect(result.status == 0)
    #expect(try result.object["status"] as? String == "interrupted")
    #expect(result.errors.contains("time is up"))
  }

  @Test(arguments: 0..<4) func processesMakeTheSameFileAtOnce(attempt: Int) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let processes = try (0..<3).map {
      try elbow.process(["run", "--images", "5", "--strategy", "uniform:1"] + small, tag: "\($0)")
    }
    for process in processes { try process.run() }
    for (index, process) in processes.enumerated() {
      let result = try elbow.result(process, tag: "\(index)")
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(
      try elbow.column("SELECT DISTINCT status || count(*) FROM runs GROUP BY status")
        == ["finished3"])
    #expect(try elbow.column("SELECT count(*) FROM prediction") == ["15"])
  }

  /// The attacker's stream does not depend on where a run was broken off.
  @Test func attackedRunsResumeToo() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let arguments =
      ["run", "--images", "8", "--attack", "apgd-ce", "--attack-steps", "3", "--norm", "l2"] + small
    let whole = try Program()
    defer { whole.remove() }
    #expect(try whole.run(arguments).status == 0)
    let process = try elbow.process(arguments)
    try process.run()
    Thread.sleep(forTimeInterval: 1)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let run = try #require(try elbow.run("runs", "--format", "json").objects.first)
    if run["status"] as? String != "finished" {
      let id = try #require(run["id"] as? String)
      #expect(try elbow.run("run", "--resume", id).status == 0)
    }
    let images = "SELECT position, sha256 FROM adversarial_image ORDER BY position"
    #expect(try elbow.column(images) == whole.column(images))
    #expect(try elbow.column(images).count > 4)
  }
}
