import Foundation
import TestSupport
import Testing

/// Runs as lines that can be kept beside code.
@Suite struct RunLinesTests {
  /// What runs asked and answered comes back from their lines: predictions, ELBOs, verdicts and
  /// certificates, under the same ids; read again they add nothing.
  @Test func runsComeBackFromTheirLines() throws {
    let elbow = try Program()
    let other = try Program()
    defer {
      elbow.remove()
      other.remove()
    }
    let cnn = ["--classifier", "cnn", "--model", "fashion-mnist-cnn", "--images", "4"]
    let attack = ["--attack", "fgsm+apgd-ce", "--epsilon", "0.05"]
    for words in [
      cnn + attack,
      cnn + ["--randomized-smoothing", "0.25:5:20"],
      cnn + ["--attack", "corruption-blur", "--epsilon", "5"],
      ["--images", "3", "--strategy", "halving:4x2,1x4", "--name", "a\"b", "--tag", "k=v"] + small,
      ["--images", "3", "--classifier", "rdc", "--lm-steps", "1"] + small,
      ["--images", "2", "--attack-noise", "frozen", "--redraws", "3"] + attack + small,
      // A model that moves images, and that no other run has.
      [
        "--images", "1", "--classifier", "purify+cnn", "--model", "fashion-mnist-cnn",
        "--lm-model", "fashion-mnist-small", "--purify", "denoise:0.5",
      ],
    ] {
      let run = try elbow.run(["run", "--threads", "1"] + words)
      #expect(run.status == 0, "\(run.errors)")
    }
    // On the images of the first: they come in the same pass.
    let source = try elbow.column("SELECT min(id) FROM runs")[0]
    #expect(
      try elbow.run(["run", "--inputs", source] + cnn.dropLast(2)).status == 0)
    let exported = try elbow.run("export", "--where", "n_done > 0", "--format", "ingest")
    #expect(exported.status == 0, "\(exported.errors)")
    let lines = exported.output.split(separator: "\n")
    #expect(lines.count == 8 * 2 + 4 * 4 + 3 * 2 + 2 + 1)
    let path = other.folder + "/records.jsonl"
    try Data(exported.output.utf8).write(to: URL(fileURLWithPath: path))
    for _ in 0..<2 {
      let read = try other.run("ingest", path)
      #expect(read.status == 0 && !read.output.contains("error"), "\(read.output)")
    }
    for question in [
      """
      SELECT id, name, status, classifier, model, fingerprint, strategy, grid, weights, lm, attack,
        norm, epsilon, accuracy, n_correct, n_done, nfe_per_image, gradients_per_image, seed,
        attack_seed, randomized_smoothing FROM runs ORDER BY id
      """,
      """
      SELECT run_id, image_index, label, predicted, correct, nfe, gradients, seconds, movement_max,
        clean_predicted, attacked, attack_nfe, attack_loss, attack_linf, sha256
      FROM predictions ORDER BY run_id, position
      """,
      "SELECT run_id, image_index, class, elbo, last_round FROM class_elbos ORDER BY 1, 2, 3",
      "SELECT * FROM model ORDER BY sha256",
      "SELECT * FROM verdicts ORDER BY fingerprint, norm, image",
      "SELECT run_id, image_index, broken_by, mean_of_draws FROM attempts ORDER BY 1, 2",
      "SELECT fingerprint, norm, epsilon, n, accuracy, verdict, frozen FROM robustness ORDER BY 1, 2",
    ] {
      let expected = try elbow.column(question)
      #expect(!expected.isEmpty)
      #expect(try other.column(question) == expected, "\(question)")
    }
    let labels = ["runs", "--columns", "id,tags.k", "--sort", "id", "--format", "tsv"]
    #expect(try other.run(labels).output == elbow.run(labels).output)
    #expect(try other.run("verify").status == 0)
    let short = try elbow.run(
      "export", "--where", "n_done > 0", "--format", "ingest", "--drop", "elbos")
    #expect(short.output.split(separator: "\n").count == lines.count)
    #expect(!short.output.contains("elbos") && short.output.contains("broken_by"))
  }

  @Test func mistakesAreNamed() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try elbow.run(["run", "--images", "1"] + small).status == 0)
    #expect(try elbow.run("export", "--format", "ingest").errors.contains("which runs"))
    #expect(
      try elbow.run("export", "@last", "--table", "losses", "--format", "ingest").status == 2)
    #expect(try elbow.run("export", "@last", "--drop", "nfe", "--format", "ingest").status == 2)
    let path = elbow.folder + "/records.jsonl"
    let run =
      #"{"type":"run","run":"a","classes":2,"shape":[1,1,1],"model":"m","attack":"#
      + #"{"name":"fgsm","norm":"linf","epsilon":0.1}}"#
    let image =
      #"{"type":"image","run":"a","index":0,"label":0,"predicted":0,"attack":"#
      + #"{"clean_predicted":0,"redraws":[2,3,0]}}"#
    try Data("\(run)\n\(image)\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try elbow.run("ingest", path).output.contains("attack.redraws"))
  }
}
