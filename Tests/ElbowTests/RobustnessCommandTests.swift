import Foundation
import TestSupport
import Testing

/// Accuracy under attack, as the command line tells it.
@Suite struct RobustnessCommandTests {
  /// The table has what the view has, with marks; transfer fills its matrix and counts.
  @Test func robustnessTransferAndChecks() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run(["run", "--images", "1"] + small).status == 0)
    #expect(try elbow.run("robustness").errors.contains("no finished attacked runs"))
    let trained = "fashion-mnist-cnn-pgd-linf-0.1"
    let attack = ["--attack", "fgsm+apgd-ce", "--epsilon", "0.1"]
    var ids: [String] = []
    for model in [trained, "fashion-mnist-cnn"] {
      let result = try elbow.run(
        ["run", "--classifier", "cnn", "--model", model, "--images", "8", "--format", "json"]
          + attack)
      ids.append(try #require(try result.object["id"] as? String))
    }
    let cells = try elbow.run("robustness", "--format", "json").objects
    let view = try elbow.column("SELECT accuracy FROM robustness ORDER BY accuracy DESC")
    #expect(cells.compactMap { $0["accuracy"] as? Double } == view.compactMap(Double.init))
    #expect(
      cells.allSatisfy { ($0["n"] as? Int) == 8 && ($0["accuracy_high"] as? Double ?? 0) > 0 })
    let text = try elbow.run("robustness", "--where", "accuracy >= 0").output
    #expect(text.contains("linf 0.1") && text.contains("n=8"))
    #expect(text.contains("fewer than 100 images") && text.contains("no attack was targeted"))
    #expect(try elbow.run("robustness", "--where", "nothing = 1").status == 2)

    let matrix = try elbow.run(["transfer"] + ids)
    #expect(matrix.status == 0 && matrix.output.contains(trained), "\(matrix.errors)")
    let again = try elbow.run(["transfer"] + ids + ["--format", "json"])
    #expect(again.errors.contains("2 done"), "\(again.errors)")
    #expect(try again.objects.count == 4)
    let long = try elbow.run("robustness", "--long").output
    #expect(long.contains("transfer of fgsm+apgd-ce"))
    #expect(try elbow.run("transfer", ids[0]).status == 2)

    let checks = try elbow.run("sanity", ids[0], "--queries", "20", "--format", "json")
    #expect(checks.status == 0, "\(checks.output)")
    #expect(try checks.objects.contains { $0["check"] as? String == "rise" })
    #expect(try elbow.run("sanity").status == 2)
    let recorded = try elbow.column(
      "SELECT count(*) FROM runs WHERE \"group\" = 'sanity' AND note = 'all checks pass'")
    #expect(recorded == ["1"])
  }
}
