import Basics
import Foundation

/// What the evaluation loop tells its sink, in this order: one `started`, a `predicted` for every
/// image, one `ended`. A run that is resumed starts with `resumed` in place of `started`.
public enum RunEvent: Sendable {
  /// A run begins.
  case started(RunHeader)
  /// A run goes on where it was broken off.
  case resumed(RunHeader)
  /// An image has its answer.
  case predicted(Prediction)
  /// No event follows in this process.
  case ended(RunEnding)
}

/// Receives the events of one run.
public protocol RunSink: AnyObject, Sendable {
  /// Takes one event. `started`, `resumed` and `ended` are durable on return; predictions may be
  /// grouped, and a sink says in a way of its own which of them are.
  ///
  /// - Throws: what the sink's medium throws, or threw for an earlier event; the evaluation stops
  ///   there.
  func receive(_ event: RunEvent) throws
}

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

/// Evidence for one class of one image.
public struct ClassEvidence: Hashable, Sendable {
  /// Class index.
  public var label: Int
  /// ELBO_y, reduced and scaled, or the logit of a classifier that weighs no losses; nil where the
  /// strategy eliminated the class.
  public var elbo: Double?
  /// Last round in which the class was asked for, from 0.
  public var lastRound: Int

  /// The evidence as given.
  public init(label: Int, elbo: Double?, lastRound: Int) {
    self.label = label
    self.elbo = elbo
    self.lastRound = lastRound
  }
}

/// Raw losses of one image: errors summed over pixels, before weights and reduction.
public enum LossRecord: Sendable {
  /// All classes at the run's shared timestep subset: `[draw][timestep][class]`.
  /// Diverged losses are +Inf.
  case dense([Float])
  /// What was asked for, in the order asked, where images differ.
  case sparse([Loss])

  /// Number of losses.
  public var count: Int {
    switch self {
    case .dense(let values): values.count
    case .sparse(let losses): losses.count
    }
  }

  /// One raw loss with its place.
  public struct Loss: Hashable, Sendable {
    /// Noise draw, from 0.
    public var draw: Int
    /// Index into the grid.
    public var timestep: Int
    /// Class.
    public var label: Int
    /// Raw loss.
    public var value: Float

    /// The loss as given.
    public init(draw: Int, timestep: Int, label: Int, value: Float) {
      self.draw = draw
      self.timestep = timestep
      self.label = label
      self.value = value
    }
  }
}

/// What an attack did to one image.
public struct AttackOutcome: Sendable {
  /// Prediction on the clean image under the defence's own stream.
  public var cleanPredicted: Int
  /// Whether the image was attacked at all; images wrong when clean are not, unless the attack is a
  /// natural shift.
  public var attempted: Bool
  /// Final image, planar `[C, H, W]`, pixel units; nil where not attempted.
  public var image: [Float]?
  /// Attacker's network evaluations.
  public var nfe: Int
  /// Attacker's backward passes.
  public var gradients: Int
  /// Attacker's wall time.
  public var seconds: Double
  /// Share of the loss gradient's pixels that were exactly zero, over all steps, 0…1.
  public var zeroGradientShare: Double?
  /// Attack loss at the final image, as the attacker last saw it.
  public var loss: Double?
  /// ‖x′ − x‖∞ in pixel units.
  public var linf: Double?
  /// ‖x′ − x‖₂ in pixel units.
  public var l2: Double?
  /// Member of an ensemble that found the final image; nil of a single attack.
  public var brokenBy: String?
  /// What the classifier answers the final image on fresh draws; nil where it was not asked.
  public var redraws: Redraws?

  /// The outcome of an image that was not attacked.
  public init(cleanPredicted: Int) {
    self.cleanPredicted = cleanPredicted
    self.attempted = false
    self.nfe = 0
    self.gradients = 0
    self.seconds = 0
  }
}

/// One image's result.
public struct Prediction: Sendable {
  /// Position in `RunHeader.inputs`.
  public var position: Int
  /// Predicted class, on the final image.
  public var predicted: Int
  /// Right on the final image and, under attack, on the clean one too; under a natural shift, which
  /// nobody chose, on the final image alone.
  public var correct: Bool
  /// One entry a class.
  public var evidence: [ClassEvidence]
  /// Raw losses, where they are recorded.
  public var losses: LossRecord?
  /// Network evaluations of the classifier's own inference.
  public var nfe: Int
  /// Backward passes of the classifier's own inference (LM steps).
  public var gradients: Int
  /// Wall seconds of the classifier's own inference, divided by the images in flight: the mean over a
  /// run is its wall time an image. 0 in a replay, which runs nothing.
  public var seconds: Double
  /// Largest pixel movement by LM, pixel units; nil without LM.
  public var movementMax: Double?
  /// Mean absolute pixel movement by LM, pixel units; nil without LM.
  public var movementMean: Double?
  /// What the attack did; nil on clean runs.
  public var attack: AttackOutcome?

  /// A prediction without losses, movement and attack.
  public init(
    position: Int, predicted: Int, correct: Bool, evidence: [ClassEvidence], nfe: Int,
    gradients: Int, seconds: Double
  ) {
    self.position = position
    self.predicted = predicted
    self.correct = correct
    self.evidence = evidence
    self.nfe = nfe
    self.gradients = gradients
    self.seconds = seconds
  }
}

/// How a run ended.
public struct RunEnding: Sendable {
  /// Final state; `crashed` is inferred by readers, never written.
  public enum Status: String, Codable, Sendable {
    /// Every image has its answer.
    case finished
    /// An error broke it off.
    case failed
    /// A signal, a budget or a cancellation ended it in good order.
    case interrupted
  }

  /// How it ended.
  public var status: Status
  /// Message for `failed`.
  public var error: String?
  /// Wall seconds of this process's part.
  public var wallSeconds: Double
  /// User + system CPU seconds of this process's part.
  public var cpuSeconds: Double
  /// Peak resident memory of this process, bytes.
  public var peakMemory: Int

  /// The ending as given.
  public init(
    status: Status, error: String? = nil, wallSeconds: Double, cpuSeconds: Double, peakMemory: Int
  ) {
    self.status = status
    self.error = error
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
    self.peakMemory = peakMemory
  }
}
