import Foundation
import GRDB
import TestSupport
import Testing

/// `verify`, `reproduce`, `merge` and `--shard` as a user has them.
@Suite struct TrustTests {
  private func run(_ elbow: Program, _ arguments: String...) throws -> Program.Result {
    try elbow.run(["run"] + small + arguments)
  }

  @Test func verifyNamesWhatHasChanged() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try run(elbow, "--images", "3", "--name", "first").status == 0)
    #expect(try run(elbow, "--images", "2").status == 0)
    let clean = try elbow.run("verify")
    #expect(clean.status == 0 && clean.output.isEmpty)
    #expect(clean.errors.contains("2 runs, 5 predictions, 200 losses: nothing is wrong"))
    #expect(try elbow.run("verify", "-q", "--format", "json").output == "[]\n")
    let queue = try DatabaseQueue(patient: elbow.folder + "/elbow.db")
    try queue.write {
      try $0.execute(sql: "UPDATE prediction SET nfe = nfe + 1 WHERE run = 1 AND position = 2")
    }
    try queue.close()
    let changed = try elbow.run("verify", "first", "--format", "json")
    #expect(changed.status == 1)
    let finding = try #require(
      try changed.objects.first { $0["what"] as? String == "prediction.nfe" })
    #expect(finding["position"] as? Int == 2 && finding["image"] as? Int == 2)
    #expect(finding["stored"] as? String == "41" && finding["recomputed"] as? String == "40")
    #expect(try elbow.run("verify", "@last").status == 0)
    #expect(try elbow.run("verify").status == 1)
    #expect(try elbow.run("verify", "nonsense").status == 2)
  }

  /// An infinite ELBO is no finite one, whether or not there are checksums.
  @Test func infiniteELBOsAreFound() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try run(elbow, "--images", "1").status == 0)
    let queue = try DatabaseQueue(patient: elbow.folder + "/elbow.db")
    try queue.write {
      try $0.execute(
        sql: """
          DELETE FROM prediction_checksum;
          DELETE FROM run_checksum;
          UPDATE class_evidence SET elbo = -9e999
          WHERE class = (SELECT class FROM class_evidence ORDER BY elbo LIMIT 1)
          """)
    }
    try queue.close()
    let found = try elbow.run("verify", "--format", "json")
    #expect(found.status == 1 && found.output.contains("class_evidence.elbo of class"), "\(found)")
  }

  /// A run that others were made from leaves the trash with them, and is not emptied with it.
  @Test func mergedRunsKeepWhatTheyWereMadeFrom() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let cnn = ["run", "--classifier", "cnn", "--images", "2", "--model"]
    #expect(
      try elbow.run(cnn + ["fashion-mnist-cnn", "--attack", "fgsm", "--name", "maker"]).status == 0)
    try FileManager.default.copyItem(
      atPath: elbow.folder + "/elbow.db", toPath: elbow.folder + "/other.db")
    let made = ["run", "--classifier", "cnn", "--inputs", "maker", "--db", "other.db", "--model"]
    #expect(try elbow.run(made + ["fashion-mnist-cnn-pgd-linf-0.1"]).status == 0)
    #expect(try elbow.run("rm", "maker").status == 0)
    let merged = try elbow.run("merge", "other.db", "--into", "elbow.db")
    #expect(merged.errors.contains("other labels"), "\(merged.errors)")
    #expect(try elbow.run("gc").status == 0)
    #expect(try elbow.column("SELECT count(*) FROM adversarial_images") == ["2"])
    let verified = try elbow.run("verify")
    #expect(verified.status == 0, "\(verified.output)")
  }

  @Test func reproduceComparesBits() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try run(elbow, "--images", "2", "--threads", "2").status == 0)
    let made = try elbow.run("reproduce", "@last", "--threads", "1", "--format", "json")
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.errors.contains("threads: 2 when it was recorded, 1 now"))
    #expect(made.errors.contains("the same to the last bit"))
    let losses = try #require(try made.objects.first { $0["what"] as? String == "loss" })
    #expect(losses["compared"] as? Int == 80 && losses["differ"] as? Int == 0)
    let queue = try DatabaseQueue(patient: elbow.folder + "/elbow.db")
    try queue.write { try $0.execute(sql: "UPDATE class_evidence SET elbo = elbo + 1") }
    try queue.close()
    let other = try elbow.run("reproduce", "@last", "--format", "json")
    #expect(other.status == 1)
    let elbos = try #require(try other.objects.first { $0["what"] as? String == "elbo" })
    #expect(elbos["differ"] as? Int == 20)
    #expect(try elbow.run("reproduce", "nonsense").status == 2)
    #expect(try elbow.column("SELECT count(*) FROM runs") == ["1"])
  }

  @Test func partsAreMerged() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for part in 1...2 {
      #expect(
        try run(elbow, "--images", "3", "--shard", "\(part)/2", "--db", "\(part).db").status == 0)
    }
    let merged = try elbow.run("merge", "1.db", "2.db", "--into", "elbow.db", "--format", "json")
    #expect(merged.status == 0, "\(merged.errors)")
    #expect(try merged.objects.map { $0["runs"] as? Int } == [1, 1])
    #expect(
      try elbow.column(
        "SELECT group_concat(image_index) FROM (SELECT * FROM predictions ORDER BY 1)"
      )
      .count == 1)
    #expect(try elbow.column("SELECT count(DISTINCT image_index) FROM predictions") == ["3"])
    let queue = try DatabaseQueue(patient: elbow.folder + "/1.db")
    try queue.write { try $0.execute(sql: "UPDATE class_evidence SET elbo = elbo + 1") }
    try queue.close()
    let apart = try elbow.run("merge", "1.db", "2.db", "--into", "elbow.db")
    #expect(apart.status == 1)
    #expect(apart.errors.contains("differs (class_evidence)"))
    #expect(try elbow.run("merge", "3.db", "--into", "new.db").status == 1)
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/new.db"))
    // A sweep's parts are cells; a request's shard is no axis.
    #expect(try run(elbow, "--shard", "3/2").status == 2)
    #expect(try elbow.run("run", "--resume", "@last", "--shard", "1/2").status == 2)
  }

  /// Killed at any moment, a merge leaves whole files' runs, and the next one does the rest.
  @Test func scriptsAreWrittenForSlurm() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    try "images: 1\ngrid: linear:0.2:2:4\nweights: snr\nseed: 0...4\n"
      .write(toFile: elbow.folder + "/s.yaml", atomically: true, encoding: .utf8)
    let script = try elbow.run(
      "sweep", "s.yaml", "--slurm", "--tasks", "3", "--partition", "long", "--threads", "2",
      "--seed", "0...2")
    #expect(script.status == 0, "\(script.errors)")
    for line in ["--array=1-3", "--partition=long", "--cpus-per-task=2", "--job-name=s"] {
      #expect(script.output.contains("#SBATCH \(line)\n"), "\(script.output)")
    }
    #expect(script.output.contains(" --set seed=0...2"))
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/elbow.db"))
    #expect(try elbow.run("sweep", "s.yaml", "--slurm", "--tasks", "6").status == 2)
    let part = try elbow.run("sweep", "s.yaml", "--shard", "2/4", "--plan", "--format", "json")
    #expect(try part.objects.count == 1)
  }
}
