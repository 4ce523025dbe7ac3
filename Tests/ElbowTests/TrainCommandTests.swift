import Foundation
import TestSupport
import Testing

/// Trainings that are killed and gone on with; each a real process and a real file.
@Suite(.serialized) struct TrainCommandTests {
  private static let recipe = """
    width: 8
    multipliers: [1, 2]
    attention_resolutions: [14]
    epochs: 0.03
    batch: 32
    warmup_steps: 10
    weight_decay: 0.01
    held_out: 100
    shift: 1
    """

  private func program(_ recipe: String = recipe) throws -> Program {
    let elbow = try Program()
    try recipe.write(toFile: elbow.folder + "/r.yaml", atomically: true, encoding: .utf8)
    return elbow
  }

  private static let arguments = ["train", "diffusion", "-c", "r.yaml", "--out", "m.safetensors"]

  /// Killed at random moments, on other numbers of threads: the same weights, bit for bit.
  @Test func killedTrainingsEndAsUndisturbedOnes() throws {
    let whole = try program()
    defer { whole.remove() }
    let result = try whole.run(Self.arguments)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("validation loss"))
    let files = FileManager.default
    let expected = try #require(files.contents(atPath: whole.folder + "/m.safetensors"))
    #expect(!files.fileExists(atPath: whole.folder + "/m.safetensors.state"))

    let elbow = try program()
    defer { elbow.remove() }
    // Stopped in good order, which keeps what was done.
    let stopped = try elbow.run(Self.arguments + ["--threads", "1", "--budget", "1.5s"])
    #expect(stopped.status == 0, "\(stopped.errors)")
    for kills in 0..<2 {
      let process = try elbow.process(Self.arguments + ["--threads", "3"], tag: "\(kills)")
      try process.run()
      Thread.sleep(forTimeInterval: .random(in: 0.3...1))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(!files.fileExists(atPath: elbow.folder + "/m.safetensors"))
    let rest = try elbow.run(Self.arguments)
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(files.contents(atPath: elbow.folder + "/m.safetensors") == expected)

    // One training with the same measurements at every step, however often it was stopped.
    let series = "SELECT name, step, value FROM training_metric ORDER BY name, step"
    let measured = try whole.column(series)
    #expect(measured.count == 3 * 56 + 2)
    #expect(try elbow.column(series) == measured)
    let recorded = "SELECT status, model_sha256, steps, steps_done FROM trainings"
    let row = try elbow.column(recorded)
    #expect(row[0].hasPrefix("finished"))
    #expect(try whole.column(recorded) == row)
    let inspected = try elbow.run("model", "inspect", "m.safetensors", "--format", "json")
    #expect(row[0].contains(try #require(try inspected.objects.first?["sha256"] as? String)))
    #expect(try elbow.column("SELECT count(*) >= 2 FROM training_session") == ["1"])

    // The model runs, and is not overwritten.
    let run = try elbow.run(
      ["run", "--images", "2", "--model", "m.safetensors", "--format", "json"] + small)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try run.object["n_done"] as? Int == 2)
    let again = try elbow.run(Self.arguments)
    #expect(again.status == 2 && again.errors.contains("m.safetensors exists"))
  }

  @Test func divergingTrainingsKeepTheLastGoodState() throws {
    let elbow = try program(
      Self.recipe.replacing("warmup_steps: 10", with: "warmup_steps: 0")
        + "\nrate: 10\nclip: 1000000000000")
    defer { elbow.remove() }
    let result = try elbow.run(Self.arguments)
    #expect(result.status == 1)
    #expect(result.errors.contains("diverged") && result.errors.contains("m.safetensors.state"))
    #expect(FileManager.default.fileExists(atPath: elbow.folder + "/m.safetensors.state"))
    #expect(
      try elbow.column("SELECT status, error LIKE '%diverged%' FROM trainings") == ["failed\t1"])
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/m.safetensors"))
  }

  @Test(arguments: [("widht: 8", "did you mean 'width'?")])
  func wrongRecipesSayWhatToDo(recipe: String, message: String) throws {
    let elbow = try program(recipe)
    defer { elbow.remove() }
    let result = try elbow.run(Self.arguments)
    #expect(result.status != 0 && result.errors.contains(message), "\(result.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: elbow.folder).allSatisfy {
        !$0.hasPrefix("m.safetensors")
      })
  }

  /// Another recipe does not go on from this one's state.
  @Test func statesBelongToTheirRecipe() throws {
    let elbow = try program()
    defer { elbow.remove() }
    let stopped = try elbow.run(Self.arguments + ["--budget", "1s"])
    #expect(stopped.status == 0, "\(stopped.errors)")
    try (Self.recipe + "\nseed: 1").write(
      toFile: elbow.folder + "/r.yaml", atomically: true, encoding: .utf8)
    let other = try elbow.run(Self.arguments)
    #expect(other.status == 1 && other.errors.contains("another recipe"))
  }
}
