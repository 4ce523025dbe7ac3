import Basics
import Classifiers
import Foundation
import Records
import RunStore

/// What a line of type `image` says.
struct IngestedImage {
  let input: InputRecord
  let prediction: Prediction
  /// Whether losses were told whose ELBOs speak for another class than the one that was predicted.
  let contradictsLosses: Bool
  /// Losses that no squared error is, and ELBOs that are no numbers: these count for nothing.
  let oddLosses: Int

  static let fields = [
    "type", "run", "index", "label", "dataset", "split", "sha256", "predicted", "elbos", "rounds",
    "losses", "places", "nfe", "gradients", "seconds", "movement_max", "movement_mean", "attack",
  ]
  private static let attackFields = [
    "clean_predicted", "attempted", "image", "nfe", "gradients", "seconds", "zero_gradients",
    "loss", "linf", "l2", "redraws", "broken_by",
  ]

  /// - Parameters:
  ///   - header: of its run.
  ///   - plan: how its run weighs losses; nil where it does not.
  ///   - source: dataset and split that the run was begun with.
  /// - Throws: `ElbowError` where it contradicts itself or its run.
  init(
    _ fields: inout IngestFields, _ header: RunHeader, _ plan: ClassifierPlan?,
    source: (dataset: String, split: String)
  ) throws {
    let classes = 0...header.classNames.count - 1
    guard let index = try fields.count("index") else {
      throw ElbowError(.malformed, "'index' is missing")
    }
    guard let label = try fields.integer("label", in: classes) else {
      throw ElbowError(.malformed, "'label' is missing")
    }
    let dataset = try fields.text("dataset") ?? source.dataset
    let split = try fields.text("split") ?? source.split
    let input = InputRecord(
      dataset: dataset, split: split, index: index, label: label,
      sha256: try fields.hash("sha256") ?? Self.standIn(dataset, split, index))
    let said = try fields.integer("predicted", in: classes)
    let (evidence, oddELBOs) = try Self.evidence(&fields, classes.count)
    let (losses, odd) = try Self.losses(&fields, header, plan)
    oddLosses = odd + oddELBOs

    var weighed: Prediction?
    if case .dense(let values)? = losses {
      var one = header
      one.inputs = [input]
      weighed = Prediction(weighing: values, at: 0, of: one, seconds: 0)
    }
    // Where nothing speaks for any class, none is the best.
    func speaks(_ evidence: ClassEvidence) -> Bool { (evidence.elbo ?? -.infinity) > -.infinity }
    let best = evidence.filter(speaks).max { a, b in
      ((a.elbo ?? 0), -a.label) < ((b.elbo ?? 0), -b.label)
    }
    let byLosses = weighed.flatMap { $0.evidence.contains(where: speaks) ? $0.predicted : nil }
    guard let predicted = said ?? best?.label ?? byLosses else {
      throw ElbowError(
        .malformed, "'predicted' is missing, and no 'elbos' or 'losses' speak for a class")
    }
    contradictsLosses = byLosses.map { $0 != predicted } ?? false

    var prediction = Prediction(
      position: 0, predicted: predicted, correct: predicted == label,
      evidence: evidence.isEmpty ? weighed?.evidence ?? [] : evidence,
      nfe: try fields.count("nfe") ?? losses?.count ?? 1,
      gradients: try fields.count("gradients") ?? 0, seconds: try fields.amount("seconds") ?? 0)
    prediction.losses = header.recordsLosses ? losses : nil
    prediction.movementMax = try fields.amount("movement_max")
    prediction.movementMean = try fields.amount("movement_mean")
    let attack = try fields.object("attack")
    guard (attack == nil) == (header.attack == nil) else {
      throw ElbowError(
        .malformed,
        attack == nil ? "'attack' is missing, and its run has one" : "its run has no 'attack'")
    }
    if var attack {
      let outcome = try Self.outcome(&attack, header)
      try attack.finish(Self.attackFields)
      prediction.attack = outcome
      // A natural shift is nobody's choice: the final image alone counts.
      if header.attack?.norm != .corruption {
        prediction.correct = prediction.correct && outcome.cleanPredicted == label
      }
    }
    try fields.finish(Self.fields)
    (self.input, self.prediction) = (input, prediction)
  }

  /// Stands for pixels that are not told: the same for the same place of the same dataset.
  private static func standIn(_ dataset: String, _ split: String, _ index: Int) -> String {
    SHA256.hexDigest(of: "pixels not told\n\(dataset)\n\(split)\n\(index)")
  }

  private static func evidence(
    _ fields: inout IngestFields, _ classes: Int
  ) throws -> ([ClassEvidence], odd: Int) {
    let needs = "as many numbers as there are classes, \(classes)"
    func values(_ key: String) throws -> [Double?]? {
      guard let value = fields.value(key) else { return nil }
      guard case .array(let items) = value, items.count == classes else {
        throw ElbowError(.malformed, "'\(key)' must be \(needs)")
      }
      return try items.map {
        if $0 == .null { return nil }
        guard let number = $0.measurement else {
          throw ElbowError(.malformed, "'\(key)' must be \(needs)")
        }
        return number
      }
    }
    let elbos = try values("elbos")
    let rounds = try values("rounds")?.map { round in
      guard let exact = Int(exactly: round ?? 0), 0...IngestFields.largest ~= exact else {
        throw ElbowError(.malformed, "'rounds' must be whole numbers from 0")
      }
      return exact
    }
    let evidence = (elbos ?? []).enumerated().map { label, elbo in
      ClassEvidence(
        label: label, elbo: elbo.map { $0.isNaN ? -.infinity : $0 }, lastRound: rounds?[label] ?? 0)
    }
    return (evidence, (elbos ?? []).count { $0?.isNaN == true })
  }

  /// Raw losses: of all classes at the timesteps that the strategy asks of every image, or each with
  /// its place.
  private static func losses(
    _ fields: inout IngestFields, _ header: RunHeader, _ plan: ClassifierPlan?
  ) throws -> (LossRecord?, odd: Int) {
    let places = try Self.places(&fields)
    guard var values = try fields.floats("losses") else {
      guard places == nil else { throw ElbowError(.malformed, "'places' need 'losses'") }
      return (nil, 0)
    }
    guard plan != nil else {
      throw ElbowError(.malformed, "'losses' need a run whose configuration has a 'grid'")
    }
    let odd = values.count { !($0 >= 0 && $0.isFinite) }
    for index in values.indices where values[index].isNaN { values[index] = .infinity }
    let (draws, classes) = (header.configuration.draws, header.classNames.count)
    if let places {
      guard places.count == 3 * values.count else {
        throw ElbowError(
          .malformed,
          "'places' are \(places.count) numbers, \(values.count.counted("loss")) need three each"
        )
      }
      let limits = [draws, header.timesteps.count, classes]
      let sparse = try values.enumerated().map { index, value in
        let place = places[3 * index..<3 * index + 3].map { $0 }
        guard zip(place, limits).allSatisfy({ (0..<$1).contains($0) }) else {
          throw ElbowError(
            .malformed, "'places' name draw, timestep and class, below \(limits), not \(place)")
        }
        return LossRecord.Loss(
          draw: place[0], timestep: place[1], label: place[2], value: value)
      }
      return (.sparse(sparse.sorted { $0.place < $1.place }), odd)
    }
    let asked = header.timesteps.count { $0.strategyWeight != nil }
    guard asked > 0 else {
      throw ElbowError(
        .malformed,
        "'places' are missing: \(header.configuration.strategy) asks other losses of "
          + "every image")
    }
    guard values.count == draws * asked * classes else {
      throw ElbowError(
        .malformed,
        "'losses' are \(values.count), and \(draws.counted("draw")) of \(asked.counted("timestep")) and \(classes) "
          + "classes make \(draws * asked * classes)")
    }
    return (.dense(values), odd)
  }

  /// Base64 of little-endian Int32, or numbers: draw, timestep and class of each loss.
  private static func places(_ fields: inout IngestFields) throws -> [Int]? {
    guard let value = fields.value("places") else { return nil }
    let error = ElbowError(
      .malformed, "'places' must be base64 of little-endian Int32, or an array of whole numbers")
    if case .string(let text) = value {
      guard let data = Data(base64Encoded: text), data.count.isMultiple(of: 4) else { throw error }
      return data.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map {
          Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)))
        }
      }
    }
    func numbers(_ value: JSONValue) throws -> [Int] {
      switch value {
      case .array(let items): return try items.flatMap(numbers)
      case .number(let number):
        guard let exact = Int(exactly: number) else { throw error }
        return [exact]
      default: throw error
      }
    }
    guard case .array = value else { throw error }
    return try numbers(value)
  }

  private static func outcome(
    _ fields: inout IngestFields, _ header: RunHeader
  ) throws -> AttackOutcome {
    guard
      let clean = try fields.integer("clean_predicted", in: 0...header.classNames.count - 1)
    else { throw ElbowError(.malformed, "'attack.clean_predicted' is missing") }
    var outcome = AttackOutcome(cleanPredicted: clean)
    outcome.attempted = try fields.flag("attempted") ?? true
    outcome.image = try fields.floats("image")
    let size = header.imageShape.reduce(1, *)
    if let image = outcome.image, image.count != size || !image.allSatisfy(\.isFinite) {
      throw ElbowError(
        .malformed, "'attack.image' must be \(size) finite numbers, it has \(image.count)")
    }
    outcome.nfe = try fields.count("nfe") ?? 0
    outcome.gradients = try fields.count("gradients") ?? 0
    outcome.seconds = try fields.amount("seconds") ?? 0
    outcome.zeroGradientShare = try fields.amount("zero_gradients")
    outcome.loss = try fields.real("loss")
    outcome.linf = try fields.amount("linf")
    outcome.l2 = try fields.amount("l2")
    outcome.brokenBy = try fields.text("broken_by")
    outcome.redraws = try redraws(&fields, header)
    return outcome
  }

  /// How many fresh draws, how many of them gave the true class, and the class that most gave.
  private static func redraws(
    _ fields: inout IngestFields, _ header: RunHeader
  ) throws -> Redraws? {
    guard let value = fields.value("redraws") else { return nil }
    let error = ElbowError(
      .malformed,
      "'attack.redraws' must be three whole numbers: draws, how many were right, and their majority"
    )
    guard case .array(let items) = value, items.count == 3 else { throw error }
    let numbers = try items.map {
      guard case .number(let number) = $0, let exact = Int(exactly: number), exact >= 0 else {
        throw error
      }
      return exact
    }
    guard numbers[0] > 0, numbers[1] <= numbers[0], numbers[2] < header.classNames.count else {
      throw error
    }
    return Redraws(count: numbers[0], correct: numbers[1], majority: numbers[2])
  }
}
