import Foundation
import TestSupport
import Testing

@Suite struct ParetoTests {
  /// Replays of one run, and what the front, the budget and the margin say of them.
  @Test func frontsBudgetsAndMargins() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let run = try elbow.run(
      "run", "--images", "12", "--grid", "linear:0.1:2:8", "--weights", "snr", "--format", "json")
    let id = try #require(try run.object["id"] as? String)
    let replay = try elbow.run(
      "replay", id, "--strategy", "uniform:1..8", "full", "sift:1,8", "first:1", "--tag", "r=1")
    #expect(replay.status == 0, "\(replay.errors)")
    let pareto = try elbow.run(
      "pareto", "--all", "--within", "100", "--budget", "20nfe", "--format", "json"
    ).object
    let points = try #require(pareto["points"] as? [[String: Any]])
    // The live full run stands for its replay and for uniform:8, whose name is another.
    #expect(points.count == 11)
    #expect(points.contains { $0["id"] as? String == id })
    func number(_ point: [String: Any], _ key: String) -> Double { point[key] as? Double ?? -1 }
    for point in points {
      let beaten = points.contains { other in
        let (cost, accuracy) = (number(other, "nfe_per_image"), number(other, "accuracy"))
        return cost <= number(point, "nfe_per_image") && accuracy >= number(point, "accuracy")
          && (cost < number(point, "nfe_per_image") || accuracy > number(point, "accuracy"))
      }
      let mark = point["pareto"] as? String
      #expect((mark == "front" || mark == "knee") == !beaten, "\(point)")
    }
    // Within 100 points of the best everything is, so the cheapest comes first.
    let cheapest = points.map { number($0, "nfe_per_image") }.min()
    let within = points.first { $0["id"] as? String == pareto["within"] as? String }
    #expect(within.map { number($0, "nfe_per_image") } == cheapest)
    let affordable = points.filter { number($0, "nfe_per_image") <= 20 }
    let best = affordable.map { number($0, "accuracy") }.max()
    let chosen = affordable.first { $0["id"] as? String == pareto["budget"] as? String }
    #expect(chosen.map { number($0, "accuracy") } == best)

    // Only the live run has seconds.
    let seconds = try elbow.run("pareto", "--axes", "cpu-seconds,accuracy", "--format", "json")
    #expect(try (seconds.object["points"] as? [[String: Any]])?.count == 1)
    #expect(seconds.errors.contains("10 runs without cpu-seconds are left out"))
    let memory = try elbow.run("pareto", "--axes", "accuracy,memory", "--format", "json").object
    let peaks = (memory["points"] as? [[String: Any]] ?? []).map { number($0, "peak_mebibytes") }
    #expect(peaks.count == 1 && peaks.allSatisfy { 5 < $0 && $0 < 1000 })
    #expect(try elbow.run("pareto", "--budget", "1MiB").output.contains("no run costs 1 MiB"))
    let table = try elbow.run("pareto", "--within", "2", "--where", "tags.r = '1'")
    #expect(table.output.contains("hypervolume") && table.output.contains("replayed"))
    #expect(try elbow.run("pareto", "--where", "images > 1000000").status == 0)
    for (wrong, message) in [
      (["--axes", "nfe"], "two different"), (["--axes", "nfe,acuracy"], "did you mean 'accuracy'"),
      (["--budget", "20"], "as 50nfe"), (["--norm", "l2"], "need robust-accuracy"),
      (["--axes", "nfe,robust-accuracy"], "no attacked run"),
      (["--axes", "nfe,seconds", "--within", "1"], "needs an accuracy"),
    ] {
      let result = try elbow.run(["pareto"] + wrong)
      #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
    }
  }

  /// The verdict of the recorded draw alone.
  private let oneDraw = ["--redraws", "0", "--choice-draws", "0"]

  /// Intervals are those of the attacked runs, image by image.
  @Test func robustAccuraciesArePaired() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    var attacked: [String] = []
    for strategy in ["full", "uniform:1"] {
      for attack in [
        [], ["--attack", "apgd-margin", "--attack-steps", "2", "--epsilon", "0.02"] + oneDraw,
      ] {
        let run = try elbow.run(
          ["run", "--images", "12", "--strategy", strategy, "--format", "json"] + small + attack)
        #expect(run.status == 0, "\(run.errors)")
        if !attack.isEmpty { attacked.append(try #require(try run.object["id"] as? String)) }
      }
    }
    let pair = try elbow.run(["compare", "--format", "json"] + attacked).object
    let bounds = try ["delta_low", "delta_high"].map { key in
      String(format: "%+.1f", 100 * (try #require(pair[key] as? Double)))
    }
    #expect((pair["b"] as? Int ?? 0) > 0)
    let pareto = try elbow.run("pareto", "--axes", "nfe,robust-accuracy", "--within", "100")
    #expect(pareto.output.contains("(\(bounds[0]) to \(bounds[1]))"), "\(pareto.output)")
  }

  /// Robust accuracy is that of the same configuration under its recorded attacks.
  @Test func robustAccuracyIsAnAxis() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for attack in [
      [], ["--attack", "apgd-margin", "--attack-steps", "2", "--epsilon", "0.2"] + oneDraw,
    ] {
      let result = try elbow.run(["run", "--images", "5"] + small + attack)
      #expect(result.status == 0, "\(result.errors)")
    }
    let pareto = try elbow.run(
      "pareto", "--axes", "robust-accuracy,accuracy", "--format", "json"
    ).object
    let point = try #require((pareto["points"] as? [[String: Any]])?.first)
    let robust = try elbow.column("SELECT accuracy FROM robustness")
    #expect(point["robust_accuracy"] as? Double == Double(robust[0]))
    #expect(try elbow.run("pareto", "--axes", "nfe,robust-accuracy").output.contains("of 5"))
    let none = try elbow.run(
      "pareto", "--axes", "nfe,robust-accuracy", "--norm", "l2", "--epsilon", "0.5")
    #expect(none.status == 0 && none.output.isEmpty)
  }
}
