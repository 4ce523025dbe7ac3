import Foundation
import GRDB
import TestSupport
import Testing

/// Sweeps as real processes on real files.
@Suite(.serialized) struct SweepTests {
  /// What all cells recorded, ids and times aside.
  private static let rows = [
    """
    SELECT run.name, position, image_index, predicted, correct, nfe, gradients
    FROM predictions JOIN runs AS run ON run.id = run_id
    """,
    """
    SELECT run.name, position, class, elbo, last_round
    FROM class_elbos JOIN runs AS run ON run.id = run_id
    """,
    """
    SELECT run.name, position, hex("values"), hex(places)
    FROM loss JOIN runs AS run ON run.id = run_id
    """,
    """
    SELECT name, "group", status, images, seed, fingerprint, accuracy, n_correct, nfe_per_image
    FROM runs
    """,
  ]

  private func rows(_ elbow: Program) throws -> [[String]] {
    try Self.rows.map { try elbow.column($0).sorted() }
  }

  private func write(_ elbow: Program, _ name: String, _ text: String) throws {
    try text.write(toFile: "\(elbow.folder)/\(name)", atomically: true, encoding: .utf8)
  }

  private static let file = """
    images: 12
    grid: linear:0.2:2:4
    weights: snr
    strategy: [full, uniform:1..2, "halving:3x2,1x4"]
    seed: 0..1
    exclude:
      - {strategy: [uniform:1, uniform:2], seed: 1}
    """

  private func sweep(_ elbow: Program, _ flags: String...) throws -> Program.Result {
    try elbow.run(["sweep", "front.yaml", "--threads", "1"] + flags)
  }

  /// Killed again and again it ends with the rows of an undisturbed one, and runs nothing twice.
  @Test func killedSweepsGoOn() throws {
    let undisturbed = try Program()
    defer { undisturbed.remove() }
    try write(undisturbed, "front.yaml", Self.file)
    let whole = try sweep(undisturbed, "--format", "json")
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(try whole.objects.count == 6)
    #expect(try Set(whole.objects.map { $0["group"] as? String }) == ["front"])
    let expected = try rows(undisturbed)
    #expect(expected[0].count == 6 * 12)

    let elbow = try Program()
    defer { elbow.remove() }
    try write(elbow, "front.yaml", Self.file)
    var resumed = 0
    // Killed in the middle of a run: that run goes on.
    for kill in 0..<2 {
      let process = try elbow.process(
        ["sweep", "front.yaml", "--threads", "1"], tag: "kill\(kill)")
      try process.run()
      let middle =
        "SELECT count(*) > \(kill) FROM runs WHERE status = 'running' AND n_done > 0"
        + " OR status = 'finished'"
      while process.isRunning,
        try !elbow.run("sql", middle, "--format", "tsv").output.hasSuffix("\n1\n")
      {
        Thread.sleep(forTimeInterval: 0.02)
      }
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let begun = "SELECT count(*) FROM runs WHERE status = 'crashed' AND n_done < images"
      resumed += Int(try elbow.column(begun)[0]) ?? 0
    }
    let last = try sweep(elbow)
    #expect(last.status == 0, "\(last.errors)")
    #expect(try rows(elbow) == expected)
    #expect(try elbow.column("SELECT count(*) FROM session") == ["\(6 + resumed)"])

    // Everything is there now.
    let again = try sweep(elbow)
    #expect(again.status == 0 && again.errors.contains("6 cells: 6 done"), "\(again.errors)")
    #expect(try elbow.column("SELECT count(*) FROM run") == ["6"])
    // Finished runs of the trash are none.
    #expect(try elbow.run("rm", "--where", "name = 'strategy full, seed 1'").status == 0)
    #expect(try sweep(elbow, "--plan").errors.contains("5 done, 1 new"))
    #expect(try sweep(elbow, "--again", "--seed", "0", "--strategy", "uniform:2").status == 0)
    #expect(try elbow.column("SELECT count(*) FROM run") == ["7"])
  }

  /// A cell that fails is recorded so, and the others run.
  @Test func failedCellsDoNotStopTheOthers() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try write(
      elbow, "front.yaml", "images: 3\ngrid: linear:0.2:2:4\nstrategy: uniform:1\nseed: [0, 1, 2]")
    #expect(try elbow.run("sweep", "front.yaml", "--seed", "7").status == 0)
    let database = try DatabaseQueue(patient: "\(elbow.folder)/elbow.db")
    try database.write {
      try $0.execute(
        // The runs so far and the first cell's come before the one that has no room.
        sql: "CREATE UNIQUE INDEX broken ON prediction (run) WHERE run = 3")
    }
    let result = try elbow.run("sweep", "front.yaml", "--format", "json")
    #expect(result.status == 1)
    #expect(result.errors.contains("cell 2 (seed 1) failed, run 01"), "\(result.errors)")
    #expect(result.errors.contains("UNIQUE constraint failed"))
    let statuses = try result.objects.map { "\($0["seed"] ?? "") \($0["status"] ?? "")" }
    #expect(statuses == ["0 finished", "1 failed", "2 finished"])
    try database.write { try $0.execute(sql: "DROP INDEX broken") }
    // It is tried again, and stays one run.
    let again = try elbow.run("sweep", "front.yaml", "--format", "json")
    #expect(again.status == 0, "\(again.errors)")
    #expect(try elbow.column("SELECT count(*) FROM run WHERE run_group = 'front'") == ["4"])
  }

  @Test func interruptedSweepsSayHowToGoOn() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try write(elbow, "front.yaml", "images: 200\ngrid: linear:0.2:2:4\nseed: 0..1")
    let process = try elbow.process(["sweep", "front.yaml"])
    try process.run()
    let predictions = ["sql", "SELECT count(*) > 0 FROM prediction", "--format", "tsv"]
    while process.isRunning, try !elbow.run(predictions).output.hasSuffix("\n1\n") {
      Thread.sleep(forTimeInterval: 0.05)
    }
    kill(process.processIdentifier, SIGINT)
    let result = try elbow.result(process)
    #expect(process.terminationReason == .exit && result.status == 130, "\(result.errors)")
    #expect(result.errors.contains("the same command goes on"))
    #expect(try elbow.column("SELECT status FROM runs") == ["interrupted"])
    let plan = try elbow.run("sweep", "front.yaml", "--plan")
    #expect(plan.errors.contains("2 cells: 1 begun, 1 new"), "\(plan.errors)")
  }

  /// Counted without a network is what is recorded with one.
  @Test func plansCountWhatRunsTake() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try write(
      elbow, "cost.yaml",
      """
      images: 3
      grid: linear:0.2:2:4
      weights: snr
      draws: 2
      strategy: uniform:2
      cases:
        - {strategy: [full, random:3, "band:0.5:1.5", "halving:3x2,1x4", "sift:1,4"]}
        - {classifier: rdc, lm: [paper, l2]}
        - {attack: [apgd-margin, pgd-dlr], epsilon: 0.02, attack-steps: 2, restarts: 2, eot: 2}
        - {classifier: cnn, model: fashion-mnist-cnn, attack: pgd-ce, attack-steps: 3,
           grid: ~, weights: ~, strategy: ~, draws: ~}
      """)
    let plan = try elbow.run("sweep", "cost.yaml", "--plan", "--format", "json")
    #expect(plan.status == 0, "\(plan.errors)")
    let cells = try plan.objects
    #expect(cells.count == 10)
    #expect(cells.allSatisfy { $0["seconds_from"] as? String == "probe" })
    #expect(cells.allSatisfy { ($0["seconds_left"] as? Double ?? 0) > 0 })
    let result = try elbow.run("sweep", "cost.yaml", "--format", "json")
    #expect(result.status == 0, "\(result.errors)")
    for (cell, run) in zip(cells, try result.objects) {
      let strategy = run["strategy"] as? String ?? "cnn"
      let (planned, taken) = (cell["nfe_per_image"] as? Double, run["nfe_per_image"] as? Double)
      if strategy.hasPrefix("sift") {
        #expect(cell["is_bound"] as? Int == 1)
        #expect(try #require(planned) >= #require(taken))
      } else {
        #expect(planned == taken, "\(strategy)")
      }
      #expect(
        cell["gradients_per_image"] as? Double == run["gradients_per_image"] as? Double,
        "\(strategy)")
      guard run["attack"] as? String != nil else { continue }
      let id = try #require(run["id"] as? String)
      let most = try elbow.column(
        "SELECT max(attack_nfe) || ' ' || max(attack_gradients) FROM predictions WHERE run_id = '\(id)'"
      )
      let counted =
        "\(cell["attack_nfe_per_image"] ?? "") \(cell["attack_gradients_per_image"] ?? "")"
      #expect(most == [counted], "\(strategy)")
    }
    // Recorded runs are the better estimate, of evaluations where the strategy stops early as well.
    let recorded = try elbow.run(
      "sweep", "cost.yaml", "--plan", "--again", "--format", "json"
    ).objects
    #expect(recorded.allSatisfy { $0["seconds_from"] as? String == "runs" })
    #expect(recorded.allSatisfy { $0["is_bound"] as? Int == 0 })
    #expect(
      recorded[4]["nfe_per_image"] as? Double == (try result.objects)[4]["nfe_per_image"] as? Double
    )
  }

  @Test(arguments: [
    ("strateg: full", "did you mean 'strategy'"), ("epsilon: 8/255", "--epsilon needs an attack"),
  ])
  func mistakesAreNamedBeforeAnythingRuns(text: String, message: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try write(elbow, "front.yaml", text)
    let result = try elbow.run("sweep", "front.yaml")
    #expect(result.status == 2)
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(elbow.folder)/elbow.db"))
  }

  /// Flags take the place of what the file says, cells are named by what differs.
  @Test func flagsTakeThePlaceOfTheFiles() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try write(
      elbow, "front.yaml",
      """
      grid: linear:0.2:2:4
      images: [[4], [0, 1, 2]]
      strategy: [full, uniform:4]
      classifier: [dc, rdc]
      tag: [a=b, c=d]
      group: other
      exclude: "strategy = 'uniform:4' AND classifier = 'rdc'"
      """)
    let result = try elbow.run(
      "sweep", "front.yaml", "--images", "2", "--name", "n", "--format", "json")
    #expect(
      try result.objects.map { $0["name"] as? String ?? "" } == [
        "n: strategy full, classifier dc", "n: strategy full, classifier rdc",
        "n: strategy uniform:4, classifier dc",
      ])
    #expect(try elbow.column("SELECT DISTINCT \"group\" FROM runs") == ["other"])
    #expect(try elbow.column("SELECT count(*) FROM run_tag") == ["6"])
    let same = try elbow.run(
      "sweep", "front.yaml", "--images", "2", "--set", "seed=0", "--plan", "--classifier", "rdc",
      "--lm", "none")
    #expect(same.status == 0)
  }
}
