import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import TestSupport
import Testing
import Training

/// Runs and trainings made again are the same to the last bit, whatever the threads; what differs is
/// measured, and what is missing is listed.
@Suite struct ReproductionTests {
  private static let all = ["classifier": "rdc", "attack": "pgd-margin", "attack-steps": "2"]

  @Test(arguments: [
    ["strategy": "halving:4x2,1x3", "draws": "2"], ["strategy": "random:2"],
    ["classifier": "cnn", "model": "fashion-mnist-cnn", "attack": "fgsm"], Self.all,
  ])
  func runsAreTheSameToTheLastBit(values: [String: String]) throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let id = try run(small("3", values), in: Session(threads: 2), store)
    let made = try Reproduction(
      of: store.recordedRun(id), in: store, session: Session(threads: 1))
    #expect(made.isExact && made.images == 3)
    let compared = Dictionary(
      uniqueKeysWithValues: made.comparisons.map { ($0.what, $0.compared) })
    #expect(compared["predicted"] == 3 && compared["elbo"] == 30)
    if values["classifier"] != "cnn" { #expect(compared["loss"] ?? 0 >= 3 * 2 * 10) }
    if values["attack"] != nil { #expect(compared["pixel"] ?? 0 >= 784) }
    // Threads are otherwise, and nothing else.
    #expect(made.circumstances.map(\.name) == ["threads"])
    #expect(try store.query("runs").rows.count == 1)
  }

  /// Images of another run, of a shard of it, and replays, are made from what is recorded.
  @Test func runsMadeFromOthers() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let full = try run(small("4"), in: session, store)
    var attacked = try small("4", ["attack": "fgsm", "epsilon": "0.1"])
    attacked.recordsLosses = false
    var inputs = try small("3", ["strategy": "uniform:2"])
    inputs.inputsRun = try run(attacked, in: session, store)
    inputs.shard = try Shard("2/2")
    let replay = try RecordedLosses(full, store).replay(workers: session.workers) {
      $0.index > 0
    }
    let replayed = try ReplayWriter(store).record(
      replay, replay.configuration(strategy: "uniform:2", weights: nil), labels: RunLabels(),
      in: session)
    let part = try run(inputs, in: session, store)
    for id in [part, replayed] {
      let made = try Reproduction(of: store.recordedRun(id), in: store, session: session)
      #expect(made.isExact && made.comparisons.first { $0.what == "elbo" }?.compared ?? 0 >= 20)
    }
    // The shard holds the second and fourth of the attacked images, as they were recorded.
    #expect(try store.recordedRun(part).inputs.map(\.index) == [1, 3])
    let result = try Verification(of: nil, in: store, session: session)
    #expect(result.findings == [])
  }

  @Test func differencesAreMeasured() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let id = try run(small("3"), in: session, store)
    let elbo = try #require(
      try store.readOnly("SELECT elbo FROM class_elbo WHERE position = 1 AND class = 4")
        .rows[0][0].number)
    try database.execute(
      "UPDATE class_evidence SET elbo = elbo * (1 + 1e-6) WHERE position = 1 AND class = 4;"
        + "UPDATE class_evidence SET elbo = NULL WHERE position = 2 AND class = 5")
    let made = try Reproduction(of: store.recordedRun(id), in: store, session: session)
    #expect(!made.isExact)
    let elbos = try #require(made.comparisons.first { $0.what == "elbo" })
    #expect(elbos.compared == 30 && elbos.differing == 2 && elbos.place == 1)
    #expect(abs((elbos.largest ?? 0) / abs(elbo * 1e-6) - 1) < 1e-3)
    #expect(abs((elbos.largestShare ?? 0) / 1e-6 - 1) < 1e-3)
    #expect(made.comparisons.filter { $0.differing > 0 }.map(\.what) == ["elbo"])
  }

  /// What is missing is listed, all of it; a file given for it is found by what it holds.
  @Test func whatIsMissingIsListed() throws {
    let database = TemporaryDatabase()
    let folder = try TemporaryFolder()
    let store = try RunStore(database.path, for: .write)
    let session = Session(threads: 2)
    let shipped = try #require(ShippedModelFile.small)
    let (here, moved) = (folder.file("here.safetensors"), folder.file("moved.safetensors"))
    // Other weights than any shipped model's: the last byte of the last tensor.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: shipped))
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: URL(fileURLWithPath: here))
    let id = try run(small("2", ["model": here]), in: session, store)
    let recorded = try store.recordedRun(id)
    try FileManager.default.moveItem(atPath: here, toPath: moved)
    let text = message {
      _ = try Reproduction(
        of: recorded, in: store, session: session, files: ReplacedFiles(data: folder.path))
    }
    #expect(text.contains("model \(here) (SHA-256"), "\(text)")
    #expect(text.contains("test images: "), "\(text)")
    let made = try Reproduction(
      of: recorded, in: store, session: session, files: ReplacedFiles(models: [moved]))
    #expect(made.isExact)
  }

  @Test func trainingsAreTheSameToTheLastBit() throws {
    let database = TemporaryDatabase()
    let folder = try TemporaryFolder()
    var recipe = ClassifierRecipe()
    (recipe.epochs, recipe.batch, recipe.heldOut) = (0.0002, 4, 10)
    recipe.width = 8
    let training = RecordedTraining(recipe, model: folder.file("m.safetensors"))
    _ = try training.run(in: Session(threads: 2)) { try RunStore(database.path, for: .write) }
    let store = try RunStore(database.path, for: .read)
    let id = try #require(
      try store.readOnly("SELECT id FROM trainings").rows.first?.first?.string)
    let record = try #require(try store.recordedTraining(String(id.prefix(20))))
    let made = try Reproduction(of: record, in: store, session: Session(threads: 1))
    #expect(made.isExact)
    #expect(made.comparisons.first { $0.what == "loss" }?.compared ?? 0 > 0)
    #expect(made.comparisons.contains { $0.what.hasPrefix("weights") })
    try database.execute("UPDATE metric_point SET value = value * 1.5 WHERE step = 1")
    let other = try RunStore(database.path, for: .read)
    let changed = try Reproduction(
      of: try #require(try other.recordedTraining(id)), in: other, session: Session(threads: 1))
    #expect(changed.comparisons.first { $0.what == "loss" }?.differing == 1)
    #expect(
      abs((changed.comparisons.first { $0.what == "loss" }?.largestShare ?? 0) - 1 / 3.0) < 1e-9)
  }
}

/// A shipped model's file.
private enum ShippedModelFile {
  static var small: String? {
    let program = URL(fileURLWithPath: Program.path).deletingLastPathComponent()
    let folder = program.appending(path: "elbow_Networks.resources/Models")
    let file = folder.appending(path: "fashion-mnist-small.safetensors")
      .path(percentEncoded: false)
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }
}
