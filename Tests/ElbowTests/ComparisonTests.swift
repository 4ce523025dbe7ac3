import Foundation
import TestSupport
import Testing

@Suite struct ComparisonTests {
  private func id(_ result: Program.Result) throws -> String {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try result.object["id"] as? String)
  }

  /// Three runs, one on fewer images, and what they are told apart by.
  @Test func runsAreComparedOnTheSameImages() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    func run(_ arguments: String...) throws -> String {
      try id(elbow.run(["run", "--format", "json"] + small + arguments))
    }
    let a = try run("--images", "8", "--note", "x")
    let b = try run("--images", "8", "--strategy", "uniform:1", "--draws", "2", "--seed", "3")
    let c = try run("--images", "2..6", "--strategy", "uniform:2")

    let three = try elbow.run("compare", a, b, c)
    #expect(three.status == 2 && three.errors.contains("--common") && three.output.isEmpty)
    #expect(three.errors.contains("runs \(a) and \(c) have"), "\(three.errors)")
    let common = try elbow.run("compare", a, b, c, "--common", "--format", "json").object
    let pairs = try #require(common["pairs"] as? [[String: Any]])
    #expect(pairs.map { $0["second"] as? String } == [b, c])
    #expect(pairs.allSatisfy { $0["first"] as? String == a && $0["n"] as? Int == 4 })
    #expect(common["n"] == nil)
    // Image by image, from the predictions themselves.
    for (pair, other) in zip(pairs, [b, c]) {
      let counts = try elbow.column(
        """
        SELECT sum(x.correct AND y.correct) || ' ' || sum(x.correct AND NOT y.correct) || ' '
          || sum(y.correct AND NOT x.correct) || ' ' || sum(x.predicted <> y.predicted)
        FROM predictions AS x JOIN predictions AS y USING (image_index)
        WHERE x.run_id = '\(a)' AND y.run_id = '\(other)' AND image_index BETWEEN 2 AND 5
        """)
      let found = ["both", "b", "c", "n_differ"].map { "\(pair[$0] as? Int ?? -1)" }
      #expect(found.joined(separator: " ") == counts.first)
    }
    let table = try elbow.run("compare", a, b, c, "--common").output
    #expect(table.contains("difference (95 %)") && table.contains("On the 4 images"))
    #expect(table.contains("draws") && table.contains("seed"))

    // Conditions choose the others.
    func compared(_ arguments: String...) throws -> [String?] {
      let runs = try elbow.run(["compare", "--common", "--format", "json"] + arguments).object[
        "runs"]
      return (runs as? [[String: Any]] ?? []).map { $0["id"] as? String }
    }
    #expect(try compared(a, "--where", "images < 100") == [a, c, b])
    #expect(try compared("--where", "draws = 2 OR strategy = 'uniform:2'") == [c, b])
    let alone = try elbow.run("compare", a, "--where", "images > 100")
    #expect(alone.status == 2 && alone.errors.contains("leave 1 run"))

    let flips = try elbow.run("compare", a, b, "--flips", "--format", "json").object
    let flipped = try #require(flips["flips"] as? [[String: Any]])
    #expect(flipped.count == flips["n_differ"] as? Int)
    for flip in flipped {
      let index = try #require(flip["image_index"] as? Int)
      let margin = try elbow.column(
        """
        SELECT max(iif(class = label, elbo, NULL)) - max(iif(class <> label, elbo, NULL))
        FROM class_elbos JOIN predictions USING (run_id, image_index)
        WHERE run_id = '\(a)' AND image_index = \(index)
        """)
      let shown = try #require(flip["first_margin"] as? Double)
      #expect(abs(try #require(Double(margin[0])) - shown) < 1e-9)
      #expect((shown > 0) == (flip["first_correct"] as? Int == 1))
    }
    #expect(try elbow.run("compare", a, b, c, "--flips").status == 2)
    #expect(try elbow.run("compare", a, a).status == 2)

    let diff = try elbow.run("diff", a, b, "--format", "json").objects
    func difference(_ field: String) -> [String]? {
      guard let row = diff.first(where: { $0["field"] as? String == field }) else { return nil }
      return ["first", "second"].map { side in "\(row[side] ?? "")" }
    }
    #expect(difference("strategy") == ["full", "uniform:1"])
    #expect(difference("draws") == ["1", "2"])
    #expect(difference("seed") == ["0", "3"])
    #expect(difference("note")?.first == "x")
    #expect(difference("grid") == nil && difference("images") == nil)
    #expect(difference("images the other has not") == nil)
    let inputs = try elbow.run("diff", a, c, "--format", "json").objects
    let missing = inputs.first { $0["field"] as? String == "images the other has not" }
    #expect(missing?["first"] as? Int == 4 && missing?["second"] as? Int == 0)
  }

  /// Columns, order and groups of the list.
  @Test func runsAreListedAsAsked() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for seed in 0..<3 {
      _ = try elbow.run(
        ["run", "--images", "4", "--seed", "\(seed)", "--tag", "k=v\(seed)"] + small)
    }
    let listed = try elbow.run(
      "runs", "--columns", "tags.k,seed,draws", "--sort", "-seed", "--limit", "2", "--format",
      "csv")
    #expect(listed.output == "tags.k,seed,draws\nv2,2,1\nv1,1,1\n")
    let groups = try elbow.run("runs", "--group-by", "strategy,weights", "--format", "json").objects
    #expect(groups.count == 1 && groups[0]["n"] as? Int == 3)
    let accuracies = try elbow.column("SELECT accuracy FROM runs").compactMap(Double.init)
    let mean = try #require(groups[0]["accuracy"] as? Double)
    #expect(abs(mean - accuracies.reduce(0, +) / 3) < 1e-12)
    #expect(try elbow.run("runs", "--group-by", "strategy", "--over", "draws").status == 2)
    // A repeat of the same question is no run more.
    _ = try elbow.run(["run", "--images", "4", "--seed", "1", "--name", "again"] + small)
    let repeated = try elbow.run("runs", "--group-by", "strategy,weights", "--format", "json")
    #expect(try repeated.objects.first?["n"] as? Int == 3, "\(repeated.errors)")
    #expect(repeated.errors.contains("1 older repeat of the same questions is left out"))
    #expect(try elbow.run("pareto").errors.contains("1 older repeat of"))
    #expect(try elbow.run("pareto", "-q").errors.isEmpty)
    let changed = try elbow.run("runs", "--only-changed").output
    #expect(changed.contains("seed") && !changed.contains("weights"))
    let dropped = try elbow.run("runs", "--drop", "weights,nfe_per_image").output
    #expect(!dropped.contains("weights") && !dropped.contains("NFE"))
    #expect(dropped.contains("grid"))
    let some = try elbow.run(
      "runs", "--status", "f", "--started", "last 2 hours", "--where", "seed >= 1", "--format",
      "json")
    #expect(try some.objects.count == 3)
    for wrong in [
      ["--status", "q"], ["--started", "soon"], ["--sort", "sed"], ["--columns", "x y"],
      ["--drop", "sed"], ["--over", "seed"], ["--columns", "id", "--only-changed"],
    ] {
      let result = try elbow.run(["runs"] + wrong)
      #expect(result.status == 2 && result.output.isEmpty, "\(wrong)")
    }
  }
}
