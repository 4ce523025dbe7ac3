import Basics

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
public enum LossRecord: Hashable, Sendable {
  /// All classes at the run's shared timestep subset: `[draw][timestep][class]`.
  /// Diverged losses are +Inf.
  case dense([Float])
  /// What was asked for, in the order asked, where images differ; a file may keep it in the order of
  /// draw, timestep and class.
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

    /// Draw, timestep and class, by which files keep losses in order.
    package var place: (Int, Int, Int) { (draw, timestep, label) }

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

extension Prediction {
  /// What is answered otherwise here than there; times and places aside.
  package func answersThatDiffer(from other: Prediction) -> [String] {
    [
      ("class predicted", predicted == other.predicted), ("label", correct == other.correct),
      ("nfe", nfe == other.nfe), ("gradients", gradients == other.gradients),
      ("ELBO", evidence == other.evidence), ("loss", losses == other.losses),
      ("attack", attack?.image == other.attack?.image),
    ].filter { !$0.1 }.map(\.0)
  }
}
