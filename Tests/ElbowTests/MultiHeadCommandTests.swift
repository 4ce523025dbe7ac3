import Foundation
import TestSupport
import Testing

/// Distilling a multi-head model, and running it.
@Suite(.serialized) struct MultiHeadCommandTests {
  private static let recipe = """
    init: teacher
    teacher_classes: 2
    epochs: 0.004
    batch: 16
    warmup_steps: 2
    held_out: 12
    """
  private static let train = ["train", "multi-head", "-c", "r.yaml", "--out", "m.safetensors"]

  private func program(_ recipe: String = recipe) throws -> Program {
    let elbow = try Program()
    try recipe.write(toFile: elbow.folder + "/r.yaml", atomically: true, encoding: .utf8)
    return elbow
  }

  /// Stopped and gone on with on another number of threads: the same file, which then classifies
  /// with one evaluation a timestep.
  @Test func distilledModelsRun() throws {
    let whole = try program()
    defer { whole.remove() }
    let result = try whole.run(Self.train + ["--threads", "2"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("validation teacher accuracy"))
    let elbow = try program()
    defer { elbow.remove() }
    for budget in [["--budget", "1s", "--threads", "1"], []] {
      let part = try elbow.run(Self.train + budget)
      #expect(part.status == 0, "\(part.errors)")
    }
    let files = FileManager.default
    let model = try #require(files.contents(atPath: whole.folder + "/m.safetensors"))
    #expect(files.contents(atPath: elbow.folder + "/m.safetensors") == model)
    #expect(try elbow.column("SELECT kind, status FROM trainings") == ["multi-head\tfinished"])

    let inspected = try elbow.run("model", "inspect", "m.safetensors", "--format", "json")
    #expect(try inspected.objects.first?["heads"] as? Int == 10)
    func run(_ flags: String...) throws -> Program.Result {
      try elbow.run(
        ["run", "--images", "2", "--model", "m.safetensors", "--grid", "linear:0.1:2:6"] + flags
          + ["--format", "json"])
    }
    let full = try run("--classifier", "dc")
    #expect(full.status == 0, "\(full.errors)")
    #expect(try full.object["nfe_per_image"] as? Double == 6)
    let halving = try run("--strategy", "halving:5x2,1x4")
    #expect(try halving.object["nfe_per_image"] as? Double == 4)
    let fresh = try run("--noise", "fresh")
    #expect(try fresh.object["nfe_per_image"] as? Double == 60)
    let attacked = try run("--attack", "apgd-margin", "--attack-steps", "2", "--epsilon", "0.05")
    #expect(attacked.status == 0, "\(attacked.errors)")

    // The unconditional mode is another model's.
    let alone = try run("--classifier", "rdc")
    #expect(alone.status == 2 && alone.errors.contains("--lm-model"), "\(alone.errors)")
    let rdc = try run("--classifier", "rdc", "--lm-model", "fashion-mnist-small")
    #expect(rdc.status == 0, "\(rdc.errors)")
    #expect(try rdc.object["nfe_per_image"] as? Double == 11)
  }

  @Test(arguments: [("teecher: a", "did you mean 'teacher'?")])
  func wrongRecipesSayWhatToDo(recipe: String, message: String) throws {
    let elbow = try program(recipe)
    defer { elbow.remove() }
    let result = try elbow.run(Self.train)
    #expect(result.status != 0 && result.errors.contains(message), "\(result.errors)")
  }
}
