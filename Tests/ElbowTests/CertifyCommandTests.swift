import Foundation
import TestSupport
import Testing

/// Certified accuracy, as the command line tells it.
@Suite struct CertifyCommandTests {
  /// Radii are recorded as votes, an image a row; what is certified at a radius is never more than what
  /// an attack of that size leaves of the same smoothed classifier.
  @Test func certifiedIsBelowAttacked() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let cnn = ["--classifier", "cnn", "--model", "fashion-mnist-cnn-pgd-l2-1.5"]
    #expect(try elbow.run(["run", "--images", "6"] + cnn).status == 0)
    let noise = ["--sigma", "0.25", "--draws", "60", "--selection", "10"]
    let before = try elbow.run(["certify", "@last"] + noise + ["--format", "json"])
    #expect(before.status == 0, "\(before.errors)")
    let certified = try before.objects.map { try #require($0["certified"] as? Double) }
    #expect(certified.count == 4 && certified[0] > 0.4 && certified[3] == 0)
    #expect(zip(certified, certified.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(try before.objects.allSatisfy { $0["attacked"] is NSNull })

    // Nothing is run twice, and votes that are there are only read.
    let again = try elbow.run(["certify", "@last~1"] + noise)
    #expect(again.errors.contains("1 done") && again.errors.contains("abstains on"))
    #expect(try elbow.run("certify", "@last", "--format", "json").output == before.output)
    let rows = try elbow.run("query", "certificates", "run=@last", "--format", "json").objects
    #expect(rows.count == 6)
    for row in rows {
      let share = try #require(row["share"] as? Double)
      #expect((0...1).contains(share) && (row["radius"] as? Double ?? 1) < 0.25 * 1.4)
    }
    let smoothed = try elbow.column(
      "SELECT nfe_per_image, randomized_smoothing FROM runs ORDER BY id DESC")
    #expect(smoothed == ["70\t0.25:10:60", "1\t"], "\(smoothed)")

    let attack = [
      "--attack", "apgd-margin", "--norm", "l2", "--epsilon", "0.25", "--attack-steps", "5",
      "--attack-noise", "frozen", "--redraws", "2", "--randomized-smoothing", "0.25:10:60",
    ]
    #expect(try elbow.run(["run", "--images", "6"] + cnn + attack).status == 0)
    let beside = try elbow.run(["certify", "@last~1", "--format", "json"]).objects
    let attacked = try #require(beside[1]["attacked"] as? Double)
    #expect(attacked >= certified[1] && attacked > 0.3)
    // A smoothed network draws noise, and is judged so.
    #expect(try elbow.column("SELECT verdict FROM robustness") == ["frozen"])
    #expect(try elbow.run("certify", "@last").errors.contains("under attack"))
    let verified = try elbow.run("verify")
    #expect(verified.status == 0, "\(verified.output)")
  }

  @Test func mistakesAreNamed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run("certify").errors.contains("name a run, or a file"))
    #expect(
      try elbow.run("run", "--images", "1", "--classifier", "cnn", "--model", "fashion-mnist-cnn")
        .status == 0)
    #expect(try elbow.run("certify", "@last").errors.contains("--sigma"))
    #expect(try elbow.run("certify", "@last", "--sigma", "x").status == 2)
    #expect(try elbow.run("certify", "@last", "--sigma", "0.1", "--radii", "a").status == 2)
    #expect(
      try elbow.run("replay", "@last", "--strategy", "full").status != 0)
  }
}
