import Foundation
import TestSupport
import Testing

@Suite struct ReplayCommandTests {
  /// What a run said of every image and class, to the last bit, and what it cost.
  private func results(_ elbow: Program, _ id: String) throws -> [String] {
    try elbow.column(
      """
      SELECT position || ' ' || predicted || ' ' || correct || ' ' || nfe || ' ' || gradients
        || ' ' || class || ' ' || coalesce(format('%!.17g', elbo), 'out') || ' ' || last_round
      FROM predictions JOIN class_elbo USING (run_id, position)
      WHERE run_id = '\(id)' ORDER BY position, class
      """)
  }

  private func id(_ result: Program.Result) throws -> String {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try result.object["id"] as? String)
  }

  private static let strategies = ["full", "halving:4x2,1x3"]

  /// The answers of a live run, and marked as replayed wherever they are shown.
  @Test func replaysAnswerAsLiveRuns() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let common = ["--images", "3", "--seed", "4", "--draws", "2", "--format", "json"] + small
    let full = try id(elbow.run(["run"] + common))
    let replay = try elbow.run(
      ["replay", full, "--strategy"] + Self.strategies + ["--tag", "a=b", "--format", "json"])
    #expect(replay.status == 0, "\(replay.errors)")
    let replays = try replay.objects
    #expect(replays.map { $0["strategy"] as? String } == Self.strategies)
    for (replay, strategy) in zip(replays, Self.strategies) {
      let live = try id(elbow.run(["run", "--strategy", strategy] + common))
      let replayed = try #require(replay["id"] as? String)
      #expect(try results(elbow, replayed) == results(elbow, live), "\(strategy)")
      #expect(replay["replay_of"] as? String == full)
      #expect(replay["seconds_per_image"] is NSNull)
      let fingerprints = try elbow.column(
        "SELECT count(DISTINCT fingerprint) FROM run WHERE id IN ('\(live)', '\(replayed)')")
      #expect(fingerprints == ["1"])
    }
    #expect(replays[0]["n_differ"] as? Int == 0)
    let marked = try elbow.run("runs", "--where", "replay_of IS NOT NULL AND tags.a = 'b'")
    #expect(marked.output.contains("replayed"))
    #expect(try elbow.run("show", replays[0]["id"] as? String ?? "").output.contains("replay of"))
  }

  /// Other weights on the same raw losses.
  @Test func weightsAreReplayed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let common = ["--images", "3", "--format", "json", "--grid", "linear:0.2:2:4"]
    let source = try id(elbow.run(["run", "--weights", "snr"] + common))
    let replay = try elbow.run(
      "replay", source, "--weights", "uniform", "edm", "--strategy", "full", "uniform:1..2",
      "--format", "json")
    let objects = try replay.objects
    #expect(
      objects.map { "\($0["weights"] ?? "") \($0["strategy"] ?? "")" } == [
        "uniform full", "uniform uniform:1", "uniform uniform:2", "edm full", "edm uniform:1",
        "edm uniform:2",
      ])
    let live = try id(
      elbow.run(["run", "--weights", "edm", "--strategy", "uniform:2"] + common))
    #expect(try results(elbow, #require(objects[5]["id"] as? String)) == results(elbow, live))
  }

  /// Attacked images are those recorded, as `run --inputs` takes them, and the user is told.
  @Test func attackedImagesAreFixed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let attacked = try id(
      elbow.run(
        [
          "run", "--images", "4", "--attack", "apgd-margin", "--attack-steps", "2", "--epsilon",
          "0.1", "--format", "json",
        ] + small))
    let live = try id(
      elbow.run(
        ["run", "--inputs", attacked, "--strategy", "uniform:2", "--format", "json"] + small))
    let replay = try elbow.run(
      "replay", attacked, "--strategy", "uniform:2", "--format", "json")
    #expect(replay.errors.contains("fixed, made in run \(attacked)"))
    let replayed = try #require(try replay.objects.first?["id"] as? String)
    #expect(try results(elbow, replayed) == results(elbow, live))
    #expect(try replay.objects[0]["inputs_run"] as? String == attacked)
    let inputs = try elbow.column(
      "SELECT count(DISTINCT sha256) FROM predictions WHERE run_id IN ('\(live)', '\(replayed)')")
    #expect(inputs == ["4"])
  }

  /// What was not recorded is named, and nothing is recorded then.
  @Test func whatWasNotRecordedIsNamed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let part = try id(
      elbow.run(["run", "--images", "2", "--strategy", "uniform:2", "--format", "json"] + small))
    let missing = try elbow.run("replay", part, "--strategy", "full")
    #expect(missing.status == 2 && missing.output.isEmpty)
    #expect(missing.errors.contains("no loss is recorded for draw 0, timestep 0, class 0"))
    #expect(missing.errors.contains("of fashion-mnist test"))
    let bare = try id(
      elbow.run(["run", "--images", "2", "--no-losses", "--format", "json"] + small))
    #expect(try elbow.run("replay", bare, "--strategy", "full").errors.contains("--no-losses"))
    let wrong = try elbow.run("replay", part, "--strategy", "uniform:1..5")
    #expect(wrong.status == 2 && wrong.errors.contains("ask for 1 to 4"))
    #expect(try elbow.run("replay", part).status == 2)
    #expect(try elbow.column("SELECT count(*) FROM run WHERE replay_of IS NOT NULL") == ["0"])
  }
}
