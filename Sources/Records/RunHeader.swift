import Basics

/// A network (or a support set) as a run knew it.
public struct ModelRecord: Codable, Hashable, Sendable {
  /// SHA-256 of names, dtypes, shapes and values of the tensors, hexadecimal.
  public var sha256: String
  /// Name of a shipped model, or the file's path as given.
  public var name: String
  /// Storage type of the tensors, as `F32`.
  public var dtype: String
  /// Number of parameters.
  public var parameters: Int
  /// Architecture as canonical JSON.
  public var architecture: String

  /// The record as given.
  public init(
    sha256: String, name: String, dtype: String, parameters: Int, architecture: String
  ) {
    self.sha256 = sha256
    self.name = name
    self.dtype = dtype
    self.parameters = parameters
    self.architecture = architecture
  }

  /// A model of which nothing is known but its hash: it goes by the first digits.
  package static func unknown(_ sha256: String) -> ModelRecord {
    ModelRecord(
      sha256: sha256, name: String(sha256.prefix(12)), dtype: unknownDtype, parameters: 0,
      architecture: "{}")
  }

  /// Storage type of tensors that nobody has told of.
  package static let unknownDtype = "unknown"

  /// Whether more is known than its hash and a name.
  package var isDescribed: Bool {
    dtype != Self.unknownDtype || parameters > 0 || architecture != "{}"
  }
}

/// One image that a run classifies.
public struct InputRecord: Hashable, Sendable {
  /// Name of the dataset, as `fashion-mnist`.
  public var dataset: String
  /// Split, as `test`.
  public var split: String
  /// Index in the split's file order; an adversarial image keeps its source's.
  public var index: Int
  /// True class.
  public var label: Int
  /// SHA-256 of the pixels: of the bytes for 8-bit sources, of the little-endian Float32 values in
  /// [0, 1] for recorded adversarial images.
  public var sha256: String

  /// The record as given.
  public init(dataset: String, split: String, index: Int, label: Int, sha256: String) {
    self.dataset = dataset
    self.split = split
    self.index = index
    self.label = label
    self.sha256 = sha256
  }
}

extension InputRecord {
  /// Whether place, label and pixels are the same, whatever the dataset is called.
  public func isSameImage(as other: InputRecord) -> Bool {
    (split, index, label, sha256) == (other.split, other.index, other.label, other.sha256)
  }
}

/// One timestep of a run's noise grid.
public struct TimestepRecord: Hashable, Sendable {
  /// Position in the grid.
  public var index: Int
  /// Noise level in [−1, 1] units.
  public var sigma: Double
  /// w_i = ω(σ_i)·Δσ_i, before a strategy rescales it.
  public var weight: Double
  /// The strategy's weight of the timestep, nil where the strategy does not ask for it or where its
  /// subset differs from image to image.
  public var strategyWeight: Double?

  /// The record as given.
  public init(index: Int, sigma: Double, weight: Double, strategyWeight: Double?) {
    self.index = index
    self.sigma = sigma
    self.weight = weight
    self.strategyWeight = strategyWeight
  }
}

/// Everything known before the first image.
public struct RunHeader: Sendable {
  /// ULID, 26 characters; sorts by time.
  public var id: String
  /// What the user calls it.
  public var labels: RunLabels
  /// What it asks.
  public var question: Question
  /// The denoiser.
  public var model: ModelRecord
  /// The network that maximizes likelihood, where it is another.
  public var lmModel: ModelRecord?
  /// Names of the classes, `[K]`.
  public var classNames: [String]
  /// Run whose recorded images are the inputs (`--inputs RUN`).
  public var inputsRun: String?
  /// Run whose recorded losses were replayed: no network was evaluated; nil on live runs.
  public var replayOf: String?
  /// The whole grid.
  public var timesteps: [TimestepRecord]
  /// Most timesteps that the strategy asks for any class; nil where no losses are asked for.
  public var timestepsAsked: Int?
  /// Size of every image, `[C, H, W]`.
  public var imageShape: [Int]
  /// The process that works on it.
  public var environment: RunEnvironment
  /// Whether per-timestep losses are recorded.
  public var recordsLosses: Bool
  /// What the program needs to build the run again when it resumes: its own JSON.
  public var invocation: String
  /// A header with the descriptive fields empty.
  public init(
    id: String, configuration: Configuration, model: ModelRecord, seed: UInt64,
    classNames: [String], imageShape: [Int], inputs: [InputRecord], timesteps: [TimestepRecord]
  ) {
    self.id = id
    question = Question(
      configuration: configuration, attack: nil, seed: seed, attackSeed: nil, inputs: inputs)
    self.model = model
    self.classNames = classNames
    self.timesteps = timesteps
    self.timestepsAsked = timesteps.count
    self.imageShape = imageShape
    self.labels = RunLabels()
    self.environment = RunEnvironment()
    self.recordsLosses = true
    self.invocation = "{}"
  }
}

extension RunHeader {
  /// What is asked of every image.
  public var configuration: Configuration {
    get { question.configuration }
    set { question.configuration = newValue }
  }
  /// The attack; nil on clean runs.
  public var attack: AttackConfiguration? {
    get { question.attack }
    set { question.attack = newValue }
  }
  /// Seed of the defence's stream.
  public var seed: UInt64 {
    get { question.seed }
    set { question.seed = newValue }
  }
  /// Seed of the attacker's stream; nil on clean runs.
  public var attackSeed: UInt64? {
    get { question.attackSeed }
    set { question.attackSeed = newValue }
  }
  /// In evaluation order.
  public var inputs: [InputRecord] {
    get { question.inputs }
    set { question.inputs = newValue }
  }
}
