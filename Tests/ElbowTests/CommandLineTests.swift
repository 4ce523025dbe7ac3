import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct CommandLineTests {
  @Test func runsAreRecordedListedShownAndCompared() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let first = try elbow.run(
      ["run", "--images", "6", "--name", "a", "--tag", "stage=test", "--format", "json"] + small)
    #expect(first.status == 0, "\(first.errors)")
    let a = try first.object
    #expect(a["status"] as? String == "finished")
    #expect(a["images"] as? Int == 6)
    #expect(a["nfe_per_image"] as? Double == 40)
    #expect(a["classifier"] as? String == "dc")
    #expect(a["attack"] is NSNull)
    #expect(first.errors.contains("6/6"))
    let second = try elbow.run(
      [
        "run", "--images", "6", "--classifier", "rdc", "--strategy", "uniform:2", "--format",
        "json",
      ]
        + small)
    let b = try second.object
    #expect(b["lm"] as? String == "paper")
    #expect(b["timesteps"] as? Int == 2)
    #expect(b["gradients_per_image"] as? Double == 5)

    let runs = try elbow.run("runs", "--format", "json").objects
    #expect(runs.map { $0["id"] as? String } == [b["id"] as? String, a["id"] as? String])
    let tagged = try elbow.run("runs", "--where", "tags.stage = 'test'", "--format", "json").objects
    #expect(tagged.count == 1)
    let none = try elbow.run("runs", "--where", "images > 1000000", "--format", "json")
    #expect(none.status == 0 && none.output == "[]\n")

    let ids = [try #require(a["id"] as? String), try #require(b["id"] as? String)]
    let page = try elbow.run("show", ids[0])
    for part in [
      "accuracy", "Confusion", "Provenance", "Configuration", "95 % interval", "T-shirt",
    ] {
      #expect(page.output.contains(part))
    }
    let shown = try elbow.run("show", ids[0], "--format", "json").object
    #expect((shown["configuration"] as? [String: Any])?["weights"] as? String == "snr")
    #expect((shown["sessions"] as? [[String: Any]])?.count == 1)
    #expect((shown["tags"] as? [String: String]) == ["stage": "test"])

    let comparison = try elbow.run("compare", ids[0], ids[1], "--format", "json").object
    #expect(
      Set(comparison.keys) == [
        "runs", "pairs", "n", "both", "b", "c", "neither", "delta", "p_value", "delta_low",
        "delta_high", "delta_method", "bootstrap_low", "bootstrap_high", "bootstrap_method",
        "n_differ",
      ])
    #expect(comparison["n"] as? Int == 6)
    #expect((comparison["runs"] as? [[String: Any]])?.count == 2)
    #expect(try elbow.run("compare", ids[0], ids[1]).output.contains("McNemar"))

    let losses = try elbow.column("SELECT count(*) FROM losses WHERE run_id = '\(ids[0])'")
    #expect(losses == ["240"])
    for query in ["confusion", "classes", "timesteps", "sessions"] {
      let result = try elbow.run("query", query, "run=\(ids[0])", "--format", "csv")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.split(separator: "\n").count > 1)
    }
    #expect(try elbow.run("query", "--list").output.contains("pareto-front"))
    #expect(try elbow.run("doctor").status == 0)
  }

  /// The same rows from one thread and from three, image for image.
  @Test func threadsChangeNothing() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for threads in ["1", "3"] {
      let result = try elbow.run(
        [
          "run", "--images", "3", "--classifier", "rdc", "--attack", "apgd-margin",
          "--attack-steps", "2", "--threads", threads, "--name", threads,
        ] + small)
      #expect(result.status == 0, "\(result.errors)")
    }
    for table in ["class_elbo", "loss", "adversarial_images"] {
      let columns = ["class_elbo": "position, class, elbo", "loss": "position, hex(\"values\")"]
      let selected = columns[table] ?? "position, sha256"
      let rows = try ["1", "3"].map { name in
        try elbow.column(
          "SELECT \(selected) FROM \(table) WHERE run_id = (SELECT id FROM run WHERE name = "
            + "'\(name)') ORDER BY position")
      }
      #expect(!rows[0].isEmpty)
      #expect(rows[0] == rows[1], "\(table)")
    }
  }

  @Test func recordedImagesAreClassifiedAgain() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let attacked = try elbow.run(
      [
        "run", "--images", "4", "--attack", "apgd-dlr", "--attack-steps", "3", "--epsilon",
        "16/255",
        "--format", "json",
      ] + small
    ).object
    #expect(attacked["norm"] as? String == "linf")
    #expect(try elbow.column("SELECT epsilon = 16.0 / 255 FROM run") == ["1"])
    let id = try #require(attacked["id"] as? String)
    // The same configuration on the same images gives the same answers, so the same accuracy.
    let again = try elbow.run(
      ["run", "--inputs", id, "--name", "again", "--format", "json"] + small
    )
    .object
    #expect(again["attack"] is NSNull)
    // Its mistakes are the attack's: no image of it is hard by itself.
    #expect(again["inputs"] as? String == "attacked")
    #expect(try #require(again["accuracy"] as? Double) < 1)
    #expect(try elbow.run("query", "hardest", "--format", "json").objects.isEmpty)
    #expect(
      try elbow.column("SELECT predicted FROM predictions WHERE run_id = '\(id)' ORDER BY position")
        == elbow.column(
          "SELECT predicted FROM predictions JOIN runs ON id = run_id WHERE name = 'again' "
            + "ORDER BY position"))
    // Each adversarial image lies exactly in its ball.
    let distances = try elbow.column(
      "SELECT attack_linf <= 16.0 / 255 FROM predictions WHERE attacked = 1")
    #expect(!distances.isEmpty && Set(distances) == ["1"])
    let other = try elbow.run(
      ["run", "--inputs", id, "--strategy", "uniform:2", "--format", "json"] + small)
    #expect(other.status == 0, "\(other.errors)")
    #expect(try elbow.run(["run", "--inputs", id, "--attack", "apgd-ce"] + small).status == 2)
  }

  @Test func filesOfFlags() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try """
    grid: linear:0.2:2:4
    weights: uniform
    images: [5, 3]
    tag: [a=1, b=2]
    antithetic: true
    draws: 2
    """.write(toFile: "\(elbow.folder)/run.yaml", atomically: true, encoding: .utf8)
    let run = try elbow.run(
      "run", "-c", "run.yaml", "--weights", "snr", "--no-antithetic", "--format", "json")
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.object["weights"] as? String == "snr")
    #expect(
      try elbow.column("SELECT image_index FROM predictions ORDER BY position") == ["5", "3"])
    #expect(try elbow.column("SELECT antithetic FROM configuration") == ["0"])
    #expect(try elbow.column("SELECT count(*) FROM run_tag") == ["2"])

    try "gird: linear:0.2:2:4".write(
      toFile: "\(elbow.folder)/run.yaml", atomically: true, encoding: .utf8)
    let wrong = try elbow.run("run", "-c", "run.yaml")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("did you mean 'grid'"))
    #expect(try elbow.run("run", "-c", "none.yaml").status == 2)
  }

  @Test(arguments: [
    // One of each kind: fields are spelled as flags, codes become exit statuses.
    (["run", "--strategy", "unifrm:3"], 2, "did you mean 'uniform'"),
    (["run", "--epsilon", "8/255"], 2, "--epsilon needs an attack"),
    (["run", "--model", "fashion"], 2, "neither a file nor a shipped model"),
    (["run", "--dataset", "cifar10", "--data", "/nonexistent"], 1, "test_batch.bin: no such file"),
    (["run", "--db", "/nonexistent/x.db"], 1, "name another file with --db"),
    (["run", "--resume", "01ABC"], 1, "no database at elbow.db"),
    (["run", "--images"], 2, "--images needs a value"),
    (["run", "--no-such-flag"], 2, "Unknown option"),
    (["nonsense"], 2, "nonsense"),
    (["runs", "--db", "none.db"], 1, "no database at none.db"),
    (["query"], 2, "--list"),
    (["compare"], 2, "at least two"), (["run", "--name", "@last"], 2, "begins with @"),
    (["log", "new", "--name", " "], 2, "--name is empty"),
    (["run", "--resume", "01ABC", "--images", "3"], 2, "so --images cannot be given"),
    (["run", "--seed", "-1"], 2, "from 0 to 18446744073709551615"),
    (["model", "inspect", "none.safetensors"], 2, "neither a file"),
  ])
  func mistakesAreExplained(arguments: [String], status: Int32, message: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(arguments)
    #expect(result.status == status)
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: "\(elbow.folder)/elbow.db"))
  }

  @Test func modelsForOtherImagesAreRefused() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let model = tests.appending(path: "NetworksTests/Fixtures/edm-cifar10-width16.safetensors")
    let result = try elbow.run("run", "--model", model.path(percentEncoded: false))
    #expect(result.status == 2)
    #expect(result.errors.contains("takes images of 32×32×3, fashion-mnist has 28×28×1"))
  }

  /// What breaks a run that has begun is its recorded reason, and costs no other image.
  @Test func brokenRunsAreRecordedAsFailed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let attacked = try elbow.run(
      [
        "run", "--images", "3", "--attack", "apgd-margin", "--attack-steps", "1", "--format",
        "json",
      ]
        + small
    ).object
    let id = try #require(attacked["id"] as? String)
    let queue = try DatabaseQueue(patient: "\(elbow.folder)/elbow.db")
    try queue.write {
      try $0.execute(
        sql: "UPDATE adversarial_image SET pixels = zeroblob(length(pixels)) WHERE position = 2")
    }
    try queue.close()
    let again = try elbow.run(
      ["run", "--inputs", id, "--threads", "1", "--name", "again", "--format", "json"] + small)
    #expect(again.status == 1)
    #expect(again.errors.contains("position 2"))
    #expect(try again.object["status"] as? String == "failed")
    #expect(try again.object["n_done"] as? Int == 2)
    #expect(try (again.object["error"] as? String)?.contains("is damaged") == true)
  }

  @Test func helpIsNoError() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for command in [
      [], ["run"], ["runs"], ["show"], ["compare"], ["query"], ["sql"], ["model", "verify"],
      ["doctor"], ["bench"], ["demo"], ["replay"], ["diff"], ["pareto"],
    ] {
      let help = try elbow.run(command + ["--help"])
      #expect(help.status == 0 && help.output.contains("USAGE"))
    }
    #expect(try elbow.run("--version").output == "0.1.0\n")
  }

  /// A reader that goes away early ends the program quietly.
  @Test func closedPipesAreQuiet() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    _ = try elbow.run(["run", "--images", "2"] + small)
    let process = try elbow.process([
      "sql",
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
        + "SELECT i FROM n",
    ])
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    // Only the child may hold the writing end.
    try pipe.fileHandleForWriting.close()
    _ = try pipe.fileHandleForReading.read(upToCount: 10)
    try pipe.fileHandleForReading.close()
    process.waitUntilExit()
    let errors = try String(contentsOfFile: "\(elbow.folder)/0.err", encoding: .utf8)
    #expect(errors.isEmpty)
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
  }
}
