import Foundation
import TestSupport
import Testing

/// Classifier networks: trained, killed, gone on with, and run.
@Suite(.serialized) struct ClassifierCommandTests {
  private static let recipe = """
    width: 8
    multipliers: [2]
    method: pgd
    epsilon: 8/255
    attack_steps: 2
    epochs: 0.05
    batch: 32
    warmup_steps: 10
    held_out: 100
    """

  private static let arguments = ["train", "classifier", "-c", "r.yaml", "--out", "m.safetensors"]

  private func program(_ recipe: String = recipe) throws -> Program {
    let elbow = try Program()
    try recipe.write(toFile: elbow.folder + "/r.yaml", atomically: true, encoding: .utf8)
    return elbow
  }

  /// Killed at random moments, on other numbers of threads: the same weights, bit for bit; the model
  /// then runs, clean, attacked and behind likelihood maximization.
  @Test func killedTrainingsEndAsUndisturbedOnesAndRun() throws {
    let whole = try program()
    defer { whole.remove() }
    let result = try whole.run(Self.arguments)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("validation robust accuracy"))
    let files = FileManager.default
    let expected = try #require(files.contents(atPath: whole.folder + "/m.safetensors"))

    let elbow = try program()
    defer { elbow.remove() }
    let stopped = try elbow.run(Self.arguments + ["--threads", "1", "--budget", "0.3s"])
    #expect(stopped.status == 0, "\(stopped.errors)")
    let process = try elbow.process(Self.arguments + ["--threads", "3"], tag: "killed")
    try process.run()
    Thread.sleep(forTimeInterval: .random(in: 0.2...0.8))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    if !files.fileExists(atPath: elbow.folder + "/m.safetensors") {
      let rest = try elbow.run(Self.arguments)
      #expect(rest.status == 0, "\(rest.errors)")
    }
    #expect(files.contents(atPath: elbow.folder + "/m.safetensors") == expected)
    let series = "SELECT name, step, value FROM training_metric ORDER BY name, step"
    let measured = try whole.column(series)
    #expect(measured.count == 3 * 94 + 3)
    #expect(try elbow.column(series) == measured)

    try runs(whole)
    try attacks(whole)
  }

  private func runs(_ elbow: Program) throws {
    let clean = try elbow.run(
      "run", "--classifier", "cnn", "--model", "m.safetensors", "--images", "20", "--format",
      "json")
    #expect(clean.status == 0, "\(clean.errors)")
    let run = try clean.object
    #expect(run["nfe_per_image"] as? Double == 1 && run["gradients_per_image"] as? Double == 0)
    for key in ["strategy", "timesteps", "grid", "weights", "noise", "loss", "reduction", "lm"] {
      #expect(run[key] is NSNull, "\(key)")
    }
    #expect(try elbow.column("SELECT count(elbo) FROM class_elbos") == ["200"])
    #expect(try elbow.column("SELECT count(*) FROM loss") == ["0"])
    // The recorded logits say what was predicted.
    #expect(
      try elbow.column(
        "SELECT count(*) FROM predictions AS p WHERE p.predicted <> (SELECT class FROM class_elbos "
          + "WHERE position = p.position ORDER BY elbo DESC LIMIT 1)") == ["0"])
    let id = try #require(run["id"] as? String)
    let page = try elbow.run("show", id)
    #expect(page.status == 0 && page.output.contains("cnn") && !page.output.contains("strategy"))

    let purified = try elbow.run(
      "run", "--classifier", "lm+cnn", "--model", "m.safetensors", "--images", "3", "--format",
      "json"
    ).object
    #expect(purified["lm"] as? String == "paper" && purified["grid"] is NSNull)
    #expect(purified["nfe_per_image"] as? Double == 6)
    #expect(purified["gradients_per_image"] as? Double == 5)
    #expect(purified["fingerprint"] as? String != run["fingerprint"] as? String)
    let plain = try elbow.run(
      "run", "--classifier", "lm+cnn", "--lm", "none", "--model", "m.safetensors", "--images", "3",
      "--format", "json"
    ).object
    #expect(plain["fingerprint"] as? String == run["fingerprint"] as? String)
  }

  private func attacks(_ elbow: Program) throws {
    func attacked(_ arguments: [String]) throws -> [String: Any] {
      let result = try elbow.run(
        [
          "run", "--classifier", "cnn", "--model", "m.safetensors", "--images", "20", "--epsilon",
          "0.1", "--format", "json",
        ] + arguments)
      #expect(result.status == 0, "\(result.errors)")
      return try result.object
    }
    let single = try attacked(["--attack", "fgsm"])
    let strong = try attacked(["--attack", "pgd-ce", "--attack-steps", "10"])
    let adaptive = try attacked(["--attack", "apgd-margin", "--attack-steps", "10"])
    let accuracies = [single, strong, adaptive].compactMap { $0["accuracy"] as? Double }
    #expect(accuracies.count == 3 && accuracies[1] <= accuracies[0])
    #expect(
      try elbow.column("SELECT DISTINCT attack_steps FROM run WHERE attack = 'fgsm'") == ["1"])
    #expect(
      try elbow.column("SELECT count(*) FROM predictions WHERE attack_linf > 0.1") == ["0"])
    let robustness = try elbow.column(
      "SELECT attacks, accuracy FROM robustness WHERE classifier = 'cnn'")
    #expect(robustness.count == 1 && robustness[0].hasPrefix("3\t"))
  }

  /// A network of the wrong kind is named for what it is.
  @Test func networksAreNotMistakenForEachOther() throws {
    let elbow = try program(Self.recipe.replacing("epochs: 0.05", with: "epochs: 0.001"))
    defer { elbow.remove() }
    #expect(try elbow.run(Self.arguments).status == 0)
    for arguments in [
      ["run", "--model", "m.safetensors"], ["bench", "m.safetensors"],
      ["run", "--classifier", "lm+cnn", "--model", "m.safetensors", "--lm-model", "m.safetensors"],
    ] {
      let result = try elbow.run(arguments)
      #expect(result.status == 1)
      #expect(
        result.errors.contains("is a classifier (resnet), not a diffusion model (edm-unet)"),
        "\(result.errors)")
    }
    let shown = try elbow.run("model", "inspect", "m.safetensors", "--format", "json").objects
    #expect(shown.first?["kind"] as? String == "resnet")
    #expect(shown.first?["width"] as? Int == 8)
  }

  @Test(arguments: [("method: pdg", "did you mean 'pgd'?")])
  func wrongRecipesSayWhatToDo(recipe: String, message: String) throws {
    let elbow = try program(recipe)
    defer { elbow.remove() }
    let result = try elbow.run(Self.arguments)
    #expect(result.status == 2 && result.errors.contains(message), "\(result.errors)")
  }
}
