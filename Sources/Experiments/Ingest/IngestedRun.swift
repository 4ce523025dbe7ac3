import Basics
import Classifiers
import Foundation
import Records
import RunStore
import TensorCore

/// What a line of type `run` says.
struct IngestedRun {
  let description: StreamedDescription
  /// How losses are weighed; nil where none are.
  let plan: ClassifierPlan?

  static let fields = [
    "type", "run", "name", "group", "note", "tags", "argv", "model", "lm_model",
    "dataset", "split", "classes", "shape", "configuration", "seed", "attack", "attack_seed",
    "inputs_run", "records_losses", "started",
  ]

  /// - Throws: `ElbowError` where it contradicts itself.
  init(_ fields: inout IngestFields, key: String) throws {
    var description = StreamedDescription(key: key)
    description.labels = try RunLabels(&fields)
    description.arguments = try fields.texts("argv") ?? []
    description.startedAt = try fields.time("started")
    (description.header, plan) = try Self.header(&fields)
    try fields.finish(Self.fields)
    self.description = description
  }

  /// nil where there are no images: nothing says of what they are.
  private static func header(
    _ fields: inout IngestFields
  ) throws -> (RunHeader?, ClassifierPlan?) {
    guard let classes = fields.value("classes") else {
      for key in ["configuration", "model", "lm_model", "attack", "shape"]
      where fields.value(key) != nil {
        throw ElbowError(.malformed, "'\(key)' needs 'classes', their names or their number")
      }
      return (nil, nil)
    }
    let classNames = try names(classes)
    let model = try ModelRecord(fields.value("model") ?? .null)
    let shape = try shape(fields.value("shape"))
    let (configuration, levels) = try configuration(fields.value("configuration"), model.sha256)
    var plan: ClassifierPlan?
    if configuration.classifier.weighsLosses {
      plan = try ClassifierPlan(
        configuration, classCount: classNames.count, shape: shape, recorded: levels)
    }
    var header = RunHeader(
      id: "", configuration: plan?.configuration ?? configuration, model: model,
      seed: UInt64(try fields.count("seed") ?? 0), classNames: classNames,
      imageShape: [shape.channels, shape.height, shape.width], inputs: [],
      timesteps: plan?.timestepRecords ?? [])
    header.timestepsAsked = plan.flatMap { $0.strategy.largestSubset(of: $0.grid.count) }
    header.recordsLosses = try fields.flag("records_losses") ?? (plan != nil)
    header.inputsRun = try fields.text("inputs_run")
    header.lmModel = try lmModel(fields.value("lm_model"), configuration.lmModel)
    if let attack = fields.value("attack") {
      header.attack = try decoded("attack", attack) { try AttackConfiguration(json: $0) }
      guard let epsilon = header.attack?.epsilon, epsilon > 0 else {
        throw ElbowError(.malformed, "'attack.epsilon' must be greater than 0")
      }
      header.attackSeed = UInt64(try fields.count("attack_seed") ?? 0)
    }
    return (header, plan)
  }

  /// The model that moves images, told beside the configuration or known by the hash in it.
  private static func lmModel(_ told: JSONValue?, _ sha256: String?) throws -> ModelRecord? {
    if let sha256, !sha256.isHexDigest {
      throw ElbowError(.malformed, "'configuration.lm_model' must be a SHA-256, 64 digits")
    }
    guard let told else { return sha256.map(ModelRecord.unknown) }
    let model = try ModelRecord(told, path: "lm_model")
    guard model.sha256 == sha256 else {
      throw ElbowError(
        .malformed, "'lm_model' must have the sha256 that 'configuration.lm_model' names")
    }
    return model
  }

  private static func names(_ value: JSONValue) throws -> [String] {
    if case .number(let number) = value, let count = Int(exactly: number), 2...100_000 ~= count {
      return (0..<count).map { "\($0)" }
    }
    let error = ElbowError(
      .malformed, "'classes' must be a number from 2 to 100000, or an array of names")
    guard case .array(let values) = value, values.count >= 2 else { throw error }
    return try values.map {
      guard case .string(let name) = $0 else { throw error }
      return name
    }
  }

  /// `[C, H, W]`; of what is no image, its length.
  private static func shape(_ value: JSONValue?) throws -> ImageShape {
    let error = ElbowError(
      .malformed, "'shape' must be the size of an image, [channels, height, width]")
    guard case .array(let values)? = value, values.count == 3 else { throw error }
    let sizes = try values.map {
      guard case .number(let number) = $0, let size = Int(exactly: number), 1...1 << 16 ~= size
      else { throw error }
      return size
    }
    return ImageShape(channels: sizes[0], height: sizes[1], width: sizes[2])
  }

  /// The configuration with the levels of a grid of its own.
  private static func configuration(
    _ value: JSONValue?, _ model: String
  ) throws -> (Configuration, [TimestepRecord]) {
    guard case .object(var members) = value ?? .object([:]) else {
      throw ElbowError(.malformed, "'configuration' must be an object")
    }
    guard members["model"] == nil else {
      throw ElbowError(.malformed, "'model' stands beside 'configuration', not in it")
    }
    members["schema"] = members["schema"] ?? .number(Double(Configuration.schema))
    members["model"] = .string(model)
    members["classifier"] =
      members["classifier"] ?? .string(members["grid"] == nil ? "cnn" : "dc")
    if members["weights"] == nil, let grid = members["grid"] {
      // Levels of their own count alike; those of a spelling by their width.
      members["weights"] =
        if case .array(let levels) = grid {
          .array(levels.map { _ in .number(1) })
        } else {
          .string("uniform")
        }
    }
    let sigmas = try numbers(&members, "grid"), weights = try numbers(&members, "weights")
    if let weights, weights.count != sigmas?.count {
      throw ElbowError(
        .malformed, "'weights' are \(weights.count), and 'grid' has \(sigmas?.count ?? 0) levels")
    }
    let levels = (sigmas ?? []).enumerated().map { index, sigma in
      TimestepRecord(
        index: index, sigma: sigma, weight: weights?[index] ?? 0, strategyWeight: nil)
    }
    let configuration = try decoded("configuration", .object(members)) {
      try JSONDecoder().decode(Configuration.self, from: Data($0.utf8))
    }
    return (configuration, levels)
  }

  /// What `decode` makes of a value's text.
  private static func decoded<T>(
    _ key: String, _ value: JSONValue, _ decode: (String) throws -> T
  ) throws -> T {
    guard value.isFinite else {
      throw ElbowError(.malformed, "'\(key)' has a number that is none, or infinite")
    }
    do { return try decode(value.canonical) } catch let error as DecodingError {
      throw ElbowError(.malformed, "'\(key)': \(error.plainly)")
    }
  }

  /// Takes an array of numbers, leaving a name for it: how many, and their hash.
  private static func numbers(
    _ members: inout [String: JSONValue], _ key: String
  ) throws -> [Double]? {
    guard case .array(let values)? = members[key] else { return nil }
    let numbers = try values.map {
      guard case .number(let number) = $0, number.isFinite else {
        throw ElbowError(.malformed, "'\(key)' must be a name, or an array of numbers")
      }
      return number
    }
    guard !numbers.isEmpty else { throw ElbowError(.malformed, "'\(key)' is empty") }
    let hash = SHA256.hexDigest(of: JSONValue.array(values).canonical).prefix(12)
    members[key] = .string("given:\(numbers.count):\(hash)")
    return numbers
  }
}

extension RunLabels {
  init(_ fields: inout IngestFields) throws {
    self.init(
      name: try fields.text("name"), group: try fields.text("group"),
      note: try fields.text("note"), tags: try fields.tags("tags"))
  }
}

extension ModelRecord {
  /// A name, or an object with a name and whatever else decides what the model answers. Without a
  /// hash of its tensors it is known by that.
  init(_ value: JSONValue, path: String = "model") throws {
    if case .string(let name) = value {
      try self.init(.object(["name": .string(name)]), path: path)
      return
    }
    guard value != .null else { throw ElbowError(.malformed, "'\(path)' is missing") }
    var fields = try IngestFields(value, path: path)
    let name = try fields.neededText("name")
    let hash = try fields.hash("sha256")
    let dtype = try fields.text("dtype") ?? Self.unknownDtype
    let parameters = try fields.count("parameters") ?? 0
    let rest = JSONValue.object(fields.rest())
    guard rest.isFinite else {
      throw ElbowError(.malformed, "'\(path)' has a number that is none, or infinite")
    }
    let said = JSONValue.object(["name": .string(name), "about": rest]).canonical
    self.init(
      sha256: hash ?? SHA256.hexDigest(of: said), name: name, dtype: dtype, parameters: parameters,
      architecture: rest.canonical)
  }
}

extension JSONValue {
  /// Whether canonical JSON can say it.
  var isFinite: Bool {
    switch self {
    case .number(let number): number.isFinite
    case .array(let values): values.allSatisfy(\.isFinite)
    case .object(let members): members.values.allSatisfy(\.isFinite)
    case .null, .bool, .string: true
    }
  }
}

extension DecodingError {
  /// What a value said of itself, where a decoder has wrapped it.
  var cause: ElbowError? {
    guard case .dataCorrupted(let context) = self else { return nil }
    return context.underlyingError as? ElbowError
  }

  /// What is wrong, and where, without the names of types.
  var plainly: String {
    switch self {
    case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "\(context.codingPath.map { "'\($0.stringValue)': " }.joined())\(context.debugDescription)"
    @unknown default: "\(self)"
    }
  }
}
