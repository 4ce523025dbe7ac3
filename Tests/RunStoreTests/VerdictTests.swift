import Basics
import Foundation
import Queries
import Records
import RunStore
import TestSupport
import Testing

/// What the views `attempts`, `verdicts` and `robustness` make of recorded attacks.
@Suite struct VerdictTests {
  /// An image's answers: without the attack, under it, and how many of ten fresh draws are right.
  private struct Answer: ExpressibleByBooleanLiteral {
    var clean = true
    var right: Bool
    var draws: Int?

    init(booleanLiteral right: Bool) { self.right = right }
    init(clean: Bool = true, _ right: Bool, draws: Int? = nil) {
      (self.clean, self.right, self.draws) = (clean, right, draws)
    }
  }

  private func attack(
    _ name: String = "apgd-ce", _ norm: AttackConfiguration.Norm = .linf, epsilon: Double = 0.1,
    noise: AttackConfiguration.Noise = .fresh, redraws: Int = 0
  ) -> AttackConfiguration {
    var attack = AttackConfiguration(name: name, norm: norm, epsilon: epsilon)
    (attack.noise, attack.redraws) = (noise, redraws)
    return attack
  }

  /// Records an attacked run over the first images.
  @discardableResult
  private func run(
    _ answers: [Answer], _ attack: AttackConfiguration, in store: RunStore,
    classifier: Records.Configuration.Classifier = .dc, seed: UInt64 = 5,
    status: RunEnding.Status = .finished, done: Int? = nil
  ) throws -> String {
    var header = header(answers.count, attack: attack)
    header.configuration.classifier = classifier
    header.seed = seed
    let writer = RunWriter(store)
    try writer.receive(.started(header))
    for (i, answer) in answers.prefix(done ?? answers.count).enumerated() {
      let label = header.inputs[i].label
      var p = prediction(i, correct: answer.clean && answer.right)
      var outcome = AttackOutcome(cleanPredicted: answer.clean ? label : 1 - label)
      outcome.attempted = answer.clean || attack.norm == .corruption
      if attack.norm == .corruption { p.correct = answer.right }
      outcome.image = outcome.attempted ? [0.1, Float(i)] : nil
      outcome.redraws = answer.draws.map { right in
        Redraws((0..<10).map { $0 < right ? label : 1 - label }, label: label)
      }
      p.attack = outcome
      try writer.receive(.predicted(p))
    }
    try writer.receive(
      .ended(RunEnding(status: status, wallSeconds: 1, cpuSeconds: 1, peakMemory: 1)))
    return header.id
  }

  /// Records a run on the images of another.
  @discardableResult
  private func transfer(
    _ right: [Bool], of source: String, in store: RunStore,
    classifier: Records.Configuration.Classifier, seed: UInt64 = 5
  ) throws -> String {
    var header = header(right.count)
    header.configuration.classifier = classifier
    header.seed = seed
    header.inputsRun = source
    for i in right.indices { header.inputs[i].sha256 = SHA256.hexDigest(of: "\(source) \(i)") }
    return try record(
      header, right.indices.map { prediction($0, correct: right[$0]) }, in: store
    ).id
  }

  private func number(_ cell: Cell) -> Double? {
    switch cell {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  private func robustness(
    _ columns: String, _ store: RunStore, where condition: String = "true"
  ) throws -> [[Cell]] {
    try store.readOnly(
      "SELECT \(columns) FROM robustness WHERE \(condition) ORDER BY classifier, epsilon"
    ).rows
  }

  /// Runs that did not finish are no attacks; a short run takes nothing away but says so.
  @Test func onlyFinishedRunsCount() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try run([true, true, false, true], attack(), in: store, classifier: .cnn)
    for status in [RunEnding.Status.interrupted, .failed] {
      try run(
        [false, false, false, false], attack("pgd-ce"), in: store, classifier: .cnn,
        status: status, done: 2)
    }
    #expect(
      try robustness("n, n_robust, attacks, partial", store)
        == [[.integer(4), .integer(3), .integer(1), .integer(0)]])
    // A short run breaks an image more, and was not tried on another that stands.
    try run([false], attack("square"), in: store, classifier: .cnn)
    #expect(
      try robustness("n, n_robust, attacks, partial", store)
        == [[.integer(4), .integer(2), .integer(2), .integer(1)]])
    // One on all that is left is whole.
    try run([false, true, true, true], attack("fab-t"), in: store, classifier: .cnn)
    #expect(
      try robustness("n_robust, partial", store) == [[.integer(2), .integer(1)]])
  }

  /// An attack may not choose the seed of the defence: no union over seeds, which is resubmission.
  @Test func seedsOfTheDefenceAreNoAttacks() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try run([true, false], attack("fgsm"), in: store, seed: 1)
    try run([false, true], attack("fgsm"), in: store, seed: 2)
    #expect(
      try robustness("n, accuracy, attacks, seeds, resubmission, verdict", store) == [
        [.integer(2), .real(0.5), .integer(1), .integer(2), .real(0), .text("one shot")]
      ])
    // A network that draws nothing has no seeds to choose.
    try run([true, false], attack("fgsm"), in: store, classifier: .cnn, seed: 1)
    try run([false, true], attack("fgsm"), in: store, classifier: .cnn, seed: 2)
    #expect(
      try robustness("accuracy, verdict", store, where: "classifier = 'cnn'")
        == [[.real(0), .text("worst of attacks")]])
  }

  /// Images of another run's attack are an attack, and wrong without it stays wrong.
  @Test func transferCounts() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    // Wrong when clean, broken, stood.
    let source = try run([.init(clean: false, false), false, true], attack(), in: store)
    try transfer([true, false, true], of: source, in: store, classifier: .cnn)
    #expect(
      try robustness("n, n_robust, attacks, clean", store, where: "classifier = 'cnn'")
        == [[.integer(2), .integer(1), .integer(1), .null]])
    // Its own clean answers: the image that stood was wrong before.
    var clean = header(3)
    clean.configuration.classifier = .cnn
    try record(
      clean, [true, true, false].enumerated().map { prediction($0, correct: $1) }, in: store)
    #expect(
      try robustness("n, n_robust, clean", store, where: "classifier = 'cnn'")
        == [[.integer(2), .integer(0), .real(0.5)]])
    let labels = try store.readOnly(
      "SELECT DISTINCT attack, noise FROM attempts WHERE run_id <> made_by"
    ).rows
    #expect(labels == [[.text("transfer of apgd-ce x100"), .text("transfer")]])
    // The same defence on the same noise, asked again, is no attack of its own.
    try transfer([true, true, true], of: source, in: store, classifier: .dc)
    #expect(
      try robustness("n_robust, attacks", store, where: "classifier = 'dc'") == [
        [.integer(1), .integer(1)]
      ])
  }

  /// What breaks an image within a smaller budget breaks it within a larger one, never the reverse.
  @Test func smallerBudgetsCount() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try run([false, true, true], attack(epsilon: 0.1), in: store, classifier: .cnn)
    try run([true, false], attack(epsilon: 0.2), in: store, classifier: .cnn)
    try run([true, true], attack(epsilon: 0.05), in: store, classifier: .cnn)
    try run([false, false], attack("x", .l2, epsilon: 0.01), in: store, classifier: .cnn)
    #expect(
      try robustness("n, n_robust", store, where: "norm = 'linf'") == [
        [.integer(2), .integer(2)], [.integer(3), .integer(2)], [.integer(2), .integer(0)],
      ])
    // What draws nothing has no seed that could be another.
    try run([true, true, true], attack(epsilon: 0.3), in: store, classifier: .cnn, seed: 9)
    #expect(
      try robustness("n, n_robust", store, where: "norm = 'linf' AND epsilon > 0.25") == [
        [.integer(3), .integer(1)]
      ])
  }

  /// The headline is the lower of known noise and the mean over draws; both are shown.
  @Test func headlinesOfRandomizedClassifiers() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try run(
      [
        .init(true, draws: 10), .init(true, draws: 4), .init(false, draws: 0),
        .init(clean: false, false),
      ],
      attack(redraws: 10), in: store)
    let columns =
      "accuracy, verdict, frozen, mean_of_draws, worst_of_draws, majority_of_draws, "
      + "one_shot"
    #expect(
      try robustness(columns, store) == [
        [
          .real(0.35), .text("mean of draws"), .null, .real(0.35), .real(0.25), .real(0.25),
          .real(0.5),
        ]
      ])
    // Known noise breaks the first; its images stand half of fresh draws, the worst attack counts.
    try run(
      [
        .init(false, draws: 6), .init(true, draws: 8), .init(true, draws: 10),
        .init(clean: false, false),
      ],
      attack(noise: .frozen, redraws: 10), in: store)
    #expect(
      try robustness(columns, store) == [
        [
          .real(0.25), .text("mean of draws"), .real(0.5), .real(0.25), .real(0), .real(0.25),
          .real(0.5),
        ]
      ])
    try run(
      [false, false, false, .init(clean: false, false)], attack("pgd-ce", noise: .frozen),
      in: store)
    #expect(
      try robustness("accuracy, verdict, mean_of_draws, attacks", store) == [
        [.real(0), .text("frozen"), .real(0.25), .integer(3)]
      ])
  }

  /// Verdicts on few images are no headline beside those on more; what others' images do counts.
  @Test func headlinesAreOnTheMostImages() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let all = Array(repeating: Answer(true, draws: 10), count: 4)
    try run(all, attack(redraws: 10), in: store)
    try run([false], attack("pgd-ce", noise: .frozen), in: store)
    let columns = "n, accuracy, verdict, frozen"
    #expect(
      try robustness(columns, store) == [
        [.integer(4), .real(1), .text("mean of draws"), .real(0)]
      ])
    let source = try run([true, true, true, true], attack(), in: store, classifier: .cnn)
    try transfer([false, false, true, false], of: source, in: store, classifier: .dc)
    #expect(
      try robustness(columns, store, where: "classifier = 'dc'") == [
        [.integer(4), .real(0.25), .text("frozen"), .real(0.25)]
      ])
  }

  /// A shift comes over every image, and over several the mean is taken; severities bound nothing.
  @Test func shiftsAreAveragedOverAllImages() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    try run([true, .init(clean: false, true)], attack("blur", .corruption, epsilon: 3), in: store)
    try run(
      [false, .init(clean: false, false)], attack("jpeg", .corruption, epsilon: 3), in: store)
    try run(
      [false, .init(clean: false, false)], attack("jpeg", .corruption, epsilon: 2), in: store)
    // Kinds count alike, however often one was tried.
    try run([true, .init(clean: false, true)], attack("blur", .corruption, epsilon: 3), in: store)
    #expect(
      try robustness("epsilon, n, accuracy, verdict, clean", store) == [
        [.real(2), .integer(2), .real(0), .text("mean of shifts"), .real(0.5)],
        [.real(3), .integer(2), .real(0.5), .text("mean of shifts"), .real(0.5)],
      ])
  }

  /// Whatever asks for robust accuracies has the view's.
  @Test func queriesAgree() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    var clean = header(3)
    let first = try record(clean, (0..<3).map { prediction($0) }, in: store).id
    try run(
      [.init(true, draws: 5), .init(false, draws: 0), .init(true, draws: 10)],
      attack(redraws: 10), in: store)
    clean = header(3)
    clean.configuration.classifier = .cnn
    let second = try record(clean, (0..<3).map { prediction($0) }, in: store).id
    let other = try run([true, true, false], attack(), in: store, classifier: .cnn)
    let view = try robustness("accuracy, n_robust, n", store)
    #expect(
      view == [
        [.real(2.0 / 3), .integer(2), .integer(3)], [.real(0.5), .real(1.5), .integer(3)],
      ])
    let pareto = try store.query(
      "pareto", ["norm": "linf", "epsilon": "0.1"], columns: ["robust_accuracy"], order: ["id"])
    #expect(Set(pareto.rows) == [[.real(0.5)], [.real(2.0 / 3)]])
    let runs = JSONValue.array([.string(other)]).canonical
    let points = try store.query(
      "accuracy-by-epsilon", ["runs": runs], columns: ["epsilon", "n_right", "n"])
    #expect(
      points.rows.map { $0.compactMap(number) } == [[0, 3, 3], [0.1, 2, 3]])
    // Of three images the first stands in a half of the draws of one and in the other, …
    let pair = try store.query(
      "paired-robust", ["a": first, "b": second, "norm": "linf", "epsilon": "0.1"])
    #expect(pair[0, "n"] == .integer(3))
    #expect(
      ["both", "b", "c", "neither"].compactMap { number(pair[0, $0]) }.reduce(0, +) == 3)
    #expect((number(pair[0, "c"]) ?? 0) - (number(pair[0, "b"]) ?? 0) == 1)
    let threat = QueryHandle.ThreatModel(norm: "linf", epsilon: 0.1)
    let pairs = try store.query(.pairedRobust([(first, second), (second, first)], threat))
    #expect(pairs.rows[0] == [.text(first), .text(second)] + pair.rows[0])
    #expect(pairs[1, "b"] == pair[0, "c"] && pairs[1, "c"] == pair[0, "b"])
  }
}
