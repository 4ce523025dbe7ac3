import Foundation
import TestSupport
import Testing

@Suite struct StrategyCommandTests {
  private func id(_ result: Program.Result) throws -> String {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try result.object["id"] as? String)
  }

  /// Learnt on some images, judged on the others, clean and attacked; what is learnt stands for
  /// itself, live too.
  @Test func learntStrategiesAreJudgedOnOtherImages() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let grid = ["--grid", "linear:0.2:2:6"]
    let full = try id(elbow.run(["run", "--images", "12", "--format", "json"] + grid))
    let attacked = try id(
      elbow.run(
        [
          "run", "--images", "5..12", "--attack", "pgd-margin", "--attack-steps", "1", "--epsilon",
          "0.05", "--format", "json",
        ] + grid))
    let learn = try elbow.run(
      "strategy", "learn", full, attacked, "--calibrate", "0..8", "--method", "greedy:2",
      "importance:2..3", "--sift", "0.2", "--record", "learnt", "--format", "json")
    #expect(learn.status == 0, "\(learn.errors)")
    let rows = try learn.objects
    let methods = [
      "full", "greedy:2", "sift, greedy:2", "importance:2", "sift, importance:2", "importance:3",
      "sift, importance:3",
    ]
    #expect(rows.compactMap { $0["method"] as? String } == methods + methods)
    #expect(rows.allSatisfy { $0["images"] as? Int == 4 })
    #expect(rows[1]["nfe_per_image"] as? Double == 20)
    #expect((rows[2]["nfe_per_image"] as? Double ?? 99) <= 20)
    #expect(rows[8]["attack"] as? String == "pgd-margin linf 0.05")

    // The very strategy, live, on one of the judging images and on a learnt-from one.
    let strategy = try #require(rows[1]["strategy"] as? String)
    #expect(strategy.hasPrefix("subset:"))
    let live = try id(
      elbow.run(
        ["run", "--images", "8..12", "--strategy", strategy, "--format", "json"] + grid))
    let same = try elbow.column(
      """
      SELECT count(*) FROM class_elbos AS a JOIN class_elbos AS b USING (image_index, class)
      JOIN runs ON runs.id = b.run_id AND name = 'greedy:2' AND attack IS NULL
        AND inputs_run IS NULL
      WHERE a.run_id = '\(live)' AND a.elbo = b.elbo
      """)
    #expect(same == ["40"])
    let recorded = try elbow.column(
      "SELECT count(*), min(images), max(images) FROM runs WHERE \"group\" = 'learnt'")
    #expect(recorded == ["14\t4\t4"])
    let listed = try elbow.run("runs", "--where", "name = 'importance:3'")
    #expect(listed.output.contains("…") && !listed.output.contains(strategy))

    for (flags, message) in [
      (["--calibrate", "0..8", "--method", "gredy:2"], "greedy:COUNT"),
      (["--calibrate", "0..8", "--method", "greedy:7"], "between 1 and the grid's 6"),
      (["--calibrate", "0..12", "--method", "greedy:2"], "none of the images"),
      (["--calibrate", "0..8", "--method", "greedy:2", "--sift", "2"], "a share of images"),
    ] {
      let wrong = try elbow.run(["strategy", "learn", full] + flags)
      #expect(wrong.status == 2 && wrong.errors.contains(message), "\(wrong.errors)")
    }
  }

  /// A part of a run's images, and how many of them are answered otherwise.
  @Test func partsOfARunAreReplayed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let full = try id(elbow.run(["run", "--images", "6", "--format", "json"] + small))
    let replay = try elbow.run(
      "replay", full, "--strategy", "full", "first:1", "--images", "4,1", "--format", "json")
    #expect(replay.status == 0, "\(replay.errors)")
    let rows = try replay.objects
    #expect(rows.map { $0["images"] as? Int } == [2, 2] && rows[0]["n_differ"] as? Int == 0)
    let part = try #require(rows[1]["id"] as? String)
    let differ = try elbow.column(
      """
      SELECT count(*) FROM predictions AS a JOIN predictions AS b USING (image_index)
      WHERE a.run_id = '\(full)' AND b.run_id = '\(part)' AND a.predicted <> b.predicted
      """)
    #expect(differ == ["\(rows[1]["n_differ"] as? Int ?? -1)"])
    #expect(
      try elbow.column("SELECT image_index FROM predictions WHERE run_id = '\(part)'")
        == ["1", "4"])
    #expect(try elbow.run("replay", full, "--strategy", "full", "--images", "7..9").status == 2)
  }
}
