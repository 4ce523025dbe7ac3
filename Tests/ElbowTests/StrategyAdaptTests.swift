import Foundation
import TestSupport
import Testing

/// Strategies that are learnt against the attacks on themselves.
@Suite struct StrategyAdaptTests {
  /// Every round attacks what was learnt, asks the whole grid about it and learns again; what stands in
  /// the table is what the runs recorded, and nothing is made twice.
  @Test func roundsAttackWhatWasLearnt() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let attack = [
      "--attack", "pgd-margin", "--attack-steps", "3", "--epsilon", "0.02", "--attack-noise",
      "frozen", "--redraws", "0",
    ]
    let grid = ["--grid", "linear:0.1:2:6", "--weights", "snr", "--images", "8"]
    #expect(try elbow.run(["run", "--name", "whole"] + grid + attack).status == 0)
    let adapt = ["strategy", "adapt", "whole", "--method", "greedy:1", "--rounds", "2"]
    let first = try elbow.run(adapt + ["--format", "json"])
    #expect(first.status == 0, "\(first.errors)")
    let rows = try first.objects
    // The first that is learnt falls short of the whole grid, so that there is a second.
    #expect(rows.count == 3 && rows[0]["strategy"] as? String == "full")
    for row in rows {
      let id = try #require(row["run"] as? String)
      let recorded = try elbow.column(
        """
        SELECT strategy, n_correct, n_done, attack, epsilon, seed FROM runs WHERE id = '\(id)'
        """)
      let strategy = try #require(row["strategy"] as? String)
      let right = try #require(row["accuracy"] as? Double) * 8
      #expect(recorded == ["\(strategy)\t\(Int(right.rounded()))\t8\tpgd-margin\t0.02\t0"])
      #expect(row["nfe_per_image"] as? Double == (strategy == "full" ? 60 : 10))
    }
    // The clean images, then an attack a round, and between two the whole grid on its images.
    let attacks = rows.count - 1
    let parts = try elbow.column(
      """
      SELECT sum(attack IS NOT NULL), sum(attack IS NULL AND inputs_run IS NULL),
        sum(inputs_run IS NOT NULL) FROM runs WHERE "group" = 'adapt'
      """)
    #expect(parts == ["\(attacks)\t1\t\(attacks - 1)"])
    let stopped = (rows.last?["accuracy"] as? Double ?? 0) >= (rows[0]["accuracy"] as? Double ?? 1)
    #expect(stopped || attacks == 2)

    let again = try elbow.run(adapt)
    #expect(again.status == 0 && again.errors.contains("whole grid"), "\(again.errors)")
    #expect(!again.errors.contains("1 new") && again.output.contains("greedy") == false)
    #expect(try elbow.column("SELECT count(*) FROM runs") == ["\(1 + 1 + 2 * attacks - 1)"])
  }

  @Test func otherRunsAreRefused() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run(["run", "--images", "1", "--name", "clean"] + small).status == 0)
    let refused = try elbow.run("strategy", "adapt", "clean", "--method", "greedy:1")
    #expect(refused.status == 2 && refused.errors.contains("attacked run of the strategy full"))
    let none = try elbow.run(
      "strategy", "adapt", "clean", "--method", "greedy:1", "--rounds", "0")
    #expect(none.status == 2)
  }
}
