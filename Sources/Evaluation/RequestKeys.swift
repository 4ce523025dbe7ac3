import Attacks
import Basics
import Classifiers
import Datasets
import Foundation
import Networks
import Records

/// Every field of a request as people write it; a new field is one entry here.
public enum RequestKeys {
  /// In the order in which they take effect.
  public static let all: [RequestKey] = images + noise + lm + attack + run

  /// The key of a name, nil where there is none.
  public static func named(_ name: String) -> RequestKey? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The request that values of keys make; what is missing keeps the default of `RunRequest`.
  ///
  /// - Throws: `ElbowError` for unknown keys, values out of form, and values that contradict one
  ///   another.
  public static func request(_ values: [String: String]) throws -> RunRequest {
    if let unknown = values.keys.sorted().first(where: { byName[$0] == nil }) {
      throw ElbowError(
        .unknownName,
        "a run has no field '\(unknown)'" + didYouMean(unknown, among: all.map(\.name)))
    }
    var request = RunRequest()
    for key in all {
      guard let text = values[key.name] else { continue }
      try check(key, in: request)
      try key.apply(&request, RequestText(key: key.name, text: text))
    }
    try finish(&request, values)
    request.attack = request.attack.map(Attacks.canonical)
    return request
  }

  private static func check(_ key: RequestKey, in request: RunRequest) throws {
    let kind = request.configuration.classifier
    switch key.need {
    case .losses where !kind.weighsLosses:
      throw ElbowError(
        .malformed,
        "`\(key.name)` needs a classifier that weighs denoising losses: "
          + "\(Configuration.Classifier.names(where: \.weighsLosses)), not \(kind.rawValue)")
    case .attack where request.attack == nil:
      throw ElbowError(
        .malformed, "`\(key.name)` needs an attack: add `attack` apgd-margin, or another")
    default: break
    }
  }

  /// What several keys together ask.
  private static func finish(_ request: inout RunRequest, _ values: [String: String]) throws {
    try draw(&request, values)
    spare(&request, values)
    let kind = request.configuration.classifier
    if request.inputsRun != nil {
      if ["images", "dataset", "split"].contains(where: { values[$0] != nil }) {
        throw ElbowError(
          .malformed,
          "`inputs` takes the images of the run it names; leave `images`, `dataset` and `split` out"
        )
      }
      if request.attack != nil {
        throw ElbowError(
          .malformed, "`inputs` classifies recorded images as they are; leave `attack` out")
      }
    }
    if request.engine != nil {
      guard values["model"] == nil else {
        throw ElbowError(.malformed, "`engine` computes in the place of `model`; leave one out")
      }
      guard !kind.isOptimal else {
        throw ElbowError(
          .malformed,
          "`classifier` \(kind.rawValue) has the training images for a denoiser; leave `engine` out"
        )
      }
    }
    if !kind.weighsLosses {
      guard values["model"] != nil || request.engine != nil else {
        throw ElbowError(
          .malformed,
          "`classifier` \(kind.rawValue) needs a classifier network: `model` NAME|FILE, as "
            + "fashion-mnist-cnn, or one that was trained here; or an `engine`")
      }
      (request.configuration.grid, request.configuration.weights) = ("", "")
      request.recordsLosses = false
    }
    guard values["lm"] == "none" else { return }
    guard request.lm.isEmpty else {
      throw ElbowError(.malformed, "`lm` none has no parameters; leave `lm-…` and `eta` out")
    }
    request.configuration.classifier = kind.withoutMaximization
  }

  /// Draws by which an attack on a classifier that draws noise is judged.
  private static func draw(_ request: inout RunRequest, _ values: [String: String]) throws {
    guard let attack = request.attack else { return }
    let usual = 10
    guard request.configuration.classifier.isRandomized, !Attacks.isShift(attack.name) else {
      for key in ["redraws", "choice-draws"] where values[key] != nil && values[key] != "0" {
        throw ElbowError(
          .malformed,
          "`\(key)` needs an attack on a classifier that draws noise; "
            + "\(request.configuration.classifier.rawValue) under \(attack.name) leaves it out")
      }
      return
    }
    if values["redraws"] == nil { request.attack?.redraws = usual }
    if values["choice-draws"] == nil, attack.noise == .fresh {
      request.attack?.choiceDraws = usual
    }
  }

  /// Passes that a gradient attack on a diffusion classifier spares: classes that weigh next to nothing.
  private static func spare(_ request: inout RunRequest, _ values: [String: String]) {
    guard let attack = request.attack, values["negligible"] == nil,
      request.configuration.classifier.weighsLosses,
      Attacks.entry(attack.name)?.kind == .gradient
    else { return }
    request.attack?.negligible = 1e-3
  }

  // MARK: Images and model

  private static let images = [
    RequestKey(
      "classifier", .images, usage: "name",
      "dc, rdc, optimal, lm+optimal, cnn, lm+cnn, purify+dc or purify+cnn (default: dc).",
      choices: Configuration.Classifier.allCases.map(\.rawValue)
    ) { $0.configuration.classifier = try $1.choice(Configuration.Classifier.self) },
    RequestKey(
      "model", .images, usage: "name|file", "Shipped model or safetensors file.", form: .literal,
      choices: ShippedModels.names
    ) { $0.model = absolute($1.text) },
    RequestKey(
      "engine", .images, usage: "command",
      "Command of a process that computes in the place of the model; 'elbow engine python' prints one "
        + "for PyTorch.", form: .literal
    ) { $0.engine = $1.text },
    RequestKey(
      "lm-model", .images, usage: "name|file",
      "Model that maximizes likelihood or purifies, where it is another.", form: .literal,
      choices: ShippedModels.names
    ) { $0.lmModel = absolute($1.text) },
    RequestKey(
      "dataset", .images, usage: "name", DatasetCatalog.names.joined(separator: " or ") + ".",
      choices: DatasetCatalog.names
    ) { $0.dataset = $1.text },
    RequestKey(
      "data", .images, usage: "dir", "Folder of the dataset's files.", form: .literal
    ) { $0.data = URL(fileURLWithPath: $1.text).path(percentEncoded: false) },
    RequestKey(
      "split", .images, usage: "name", "test or train.", choices: DatasetCatalog.splits
    ) { $0.split = $1.text },
    RequestKey(
      "images", .images, usage: "n|a..b|a,b,c",
      "First N, A..B (without B), A...B (with B), or A,B,C (default: 100).", form: .list
    ) { $0.images = $1.text },
    RequestKey(
      "inputs", .images, usage: "run",
      "Classify the recorded images of this run, adversarial ones included.", form: .literal
    ) { $0.inputsRun = $1.text },
  ]

  // MARK: Noise and losses

  private static let noise = [
    RequestKey(
      "grid", .noise, usage: "grid",
      "linear:LOW:HIGH:COUNT, log:…, karras:…, legendre:… or quantile:COUNT (default: "
        + "linear:1e-4:3:125).", need: .losses
    ) { $0.configuration.grid = $1.text },
    RequestKey(
      "weights", .noise, usage: "name",
      "edm, edm-as-released, elbo, snr or uniform (default: edm).",
      choices: NoiseWeights.allCases.map(\.rawValue), need: .losses
    ) { $0.configuration.weights = $1.text },
    RequestKey(
      "strategy", .noise, usage: "strategy",
      "\(SamplingStrategies.usages.joined(separator: ", ")) (default: full).", need: .losses
    ) { $0.configuration.strategy = $1.text },
    RequestKey(
      "loss", .noise, usage: "name", "squared or absolute error (default: squared).",
      choices: Configuration.Loss.allCases.map(\.rawValue), need: .losses
    ) { $0.configuration.loss = try $1.choice(Configuration.Loss.self) },
    RequestKey(
      "reduction", .noise, usage: "name", "sum or mean over pixels (default: sum).",
      choices: Configuration.Reduction.allCases.map(\.rawValue), need: .losses
    ) { $0.configuration.reduction = try $1.choice(Configuration.Reduction.self) },
    RequestKey(
      "logit-scale", .noise, usage: "factor", "Factor on every logit (default: 1).", need: .losses
    ) { $0.configuration.logitScale = try $1.real },
    RequestKey(
      "prior", .noise, usage: "p,p,…", "Class prior, probabilities (default: uniform).",
      form: .list, need: .losses
    ) { $0.configuration.prior = try $1.numbers(",") },
    RequestKey(
      "noise", .noise, usage: "name", "shared between classes, or fresh (default: shared).",
      choices: Configuration.Noise.allCases.map(\.rawValue), need: .losses
    ) { $0.configuration.noise = try $1.choice(Configuration.Noise.self) },
    RequestKey(
      "share-timesteps", .noise, usage: "", "The same noise direction at every timestep.",
      form: .toggle, need: .losses
    ) { $0.configuration.sharesTimesteps = try $1.toggle },
    RequestKey(
      "antithetic", .noise, usage: "", "Draw noise in pairs of opposite sign.", form: .toggle,
      need: .losses
    ) { $0.configuration.antithetic = try $1.toggle },
    RequestKey(
      "draws", .noise, usage: "count", "Noise draws a timestep and class (default: 1).",
      need: .losses
    ) { $0.configuration.draws = try $1.integer },
  ]

  // MARK: Likelihood maximization

  private static let lm = [
    RequestKey(
      "lm", .lm, usage: "name",
      "Likelihood maximization: none, paper, released or l2 (default: paper for rdc).",
      choices: ["none"] + LikelihoodMaximization.Variant.allCases.map(\.rawValue)
    ) { request, text in
      guard text.text != "none" else { return }
      request.lm.variant = try text.choice(LikelihoodMaximization.Variant.self)
    },
    RequestKey("lm-steps", .lm, usage: "count", "Its steps (default: 5).") {
      $0.lm.steps = try $1.integer
    },
    RequestKey("lm-rate", .lm, usage: "size", "Its step size in [-1, 1] units.") {
      $0.lm.rate = try $1.real
    },
    RequestKey("lm-sigma", .lm, usage: "lo:hi", "Its noise levels.") { request, text in
      let bounds = try text.numbers(":")
      guard bounds.count == 2 else {
        throw ElbowError(.malformed, "`lm-sigma` needs LOW:HIGH, got '\(text.text)'")
      }
      (request.lm.sigmaLow, request.lm.sigmaHigh) = (bounds[0], bounds[1])
    },
    RequestKey("eta", .lm, usage: "bound", "Bound on its movement in pixel units, as 8/255.") {
      request, text in
      let eta = try text.fraction
      guard eta <= 1 else {
        throw ElbowError(
          .malformed,
          "`eta` is in pixel units, of which an image has 0 to 1, got \(text.text); write "
            + "\(text.text)/255 for grey values")
      }
      request.lm.eta = eta
    },
    RequestKey(
      "purify", .lm, usage: "process:sigma:steps",
      "Purification of purify+dc and purify+cnn: \(Purification.usage), diffusion to σ and the way "
        + "back by Heun's method or ancestral sampling (default: \(Purification.usual.spelling))."
    ) { $0.configuration.purification = try Purification($1.text) },
  ]

  // MARK: Attack

  private static let attack =
    [
      RequestKey(
        "attack", .attack, usage: "name",
        "none, \(Attacks.names.joined(separator: ", ")); several with + between, each on what is "
          + "left (default: none).",
        choices: ["none"] + Attacks.names
      ) { request, text in
        guard text.text != "none" else { return }
        request.attack = try Attacks.usual(text.text)
      },
      RequestKey(
        "norm", .attack, usage: "name",
        "linf, l2, or that of an attack that has another (default: the attack's).",
        choices: AttackConfiguration.Norm.allCases.map(\.rawValue), need: .attack
      ) { request, text in
        let norm = try text.choice(AttackConfiguration.Norm.self)
        request.attack?.norm = norm
        request.attack?.epsilon = norm.usualEpsilon
      },
      RequestKey(
        "epsilon", .attack, usage: "budget",
        "The attack's budget in pixel units (default: 8/255, for l2 0.5); of a corruption its "
          + "severity, 1 to 5.", need: .attack
      ) { $0.attack?.epsilon = try $1.fraction },
      RequestKey(
        "attack-steps", .attack, usage: "count", "Its iterations (default: the attack's).",
        need: .attack
      ) { $0.attack?.steps = try $1.integer },
      RequestKey(
        "restarts", .attack, usage: "count",
        "Its random starts; the first that breaks a deterministic classifier is the last "
          + "(default: 1).", need: .attack
      ) { $0.attack?.restarts = try $1.integer },
      RequestKey(
        "eot", .attack, usage: "count", "Noise draws averaged at each look (default: 1).",
        need: .attack
      ) { $0.attack?.eot = try $1.integer },
      RequestKey(
        "attack-noise", .attack, usage: "name",
        "Noise that the attacker sees: fresh of its own, or frozen, the defence's (default: fresh).",
        choices: AttackConfiguration.Noise.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.noise = try $1.choice(AttackConfiguration.Noise.self) },
      RequestKey(
        "choice-draws", .attack, usage: "count",
        "Fresh draws by which the final image is chosen among the best five (default: 10 where "
          + "classifier and attacker draw noise, else 0).", need: .attack
      ) { $0.attack?.choiceDraws = try $1.integer },
      RequestKey(
        "redraws", .attack, usage: "count",
        "Fresh draws on which the final image is classified again (default: 10 where the classifier "
          + "draws noise, else 0).", need: .attack
      ) { $0.attack?.redraws = try $1.integer },
      RequestKey(
        "gradient", .attack, usage: "name",
        "How gradients pass likelihood maximization or purification: bpda, exact or smoothed "
          + "(default: bpda).",
        choices: AttackConfiguration.Gradient.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.gradient = try $1.choice(AttackConfiguration.Gradient.self) },
      RequestKey(
        "smoothing", .attack, usage: "tau", "τ of the gradient smoothed (default: 1).",
        need: .attack
      ) { $0.attack?.smoothing = try $1.real },
      RequestKey(
        "negligible", .attack, usage: "share",
        "Share of the largest weight in a gradient below which a class of a diffusion classifier "
          + "costs no backward pass; 0: none is spared (default: 0.001).", need: .attack
      ) { $0.attack?.negligible = try $1.real },
      RequestKey(
        "rivals", .attack, usage: "count",
        "Rival classes of a diffusion classifier whose losses a look asks for, besides those that "
          + "weigh in the objective; every tenth look is at all classes; 0: each is (default: 0).",
        need: .attack
      ) { $0.attack?.rivals = try $1.integer },
      RequestKey(
        "surrogate", .attack, usage: "name",
        "Losses that gradients go through under halving, sift or racing: chosen by the strategy, or "
          + "all that it might have asked for (default: chosen).",
        choices: AttackConfiguration.Surrogate.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.surrogate = try $1.choice(AttackConfiguration.Surrogate.self) },
      RequestKey(
        "attack-seed", .attack, usage: "seed", "Seed of the attacker's noise (default: 1).",
        need: .attack
      ) { $0.attackSeed = try $1.seed },
    ] + attackParameters

  /// Parameters that only some attacks have, from the table of attacks.
  private static let attackParameters: [RequestKey] = {
    var owners: [(parameter: AttackParameter, attacks: [String])] = []
    for entry in Attacks.entries {
      for parameter in entry.parameters {
        if let known = owners.firstIndex(where: { $0.parameter.name == parameter.name }) {
          owners[known].attacks.append(entry.name)
        } else {
          owners.append((parameter, [entry.name]))
        }
      }
    }
    return owners.map { parameter, attacks in
      RequestKey(
        "attack-\(parameter.name)", .attack, usage: "value",
        "Of \(attacks.joined(separator: ", ")): \(parameter.summary) (default: "
          + "\(JSONValue.canonical(number: parameter.usual))).", need: .attack
      ) { $0.attack?.parameters[parameter.name] = try $1.real }
    }
  }()

  // MARK: Run

  private static let run = [
    RequestKey("seed", .run, usage: "seed", "Seed of the defence's noise (default: 0).") {
      $0.seed = try $1.seed
    },
    RequestKey(
      "losses", .run, usage: "", "Record per-timestep losses (default: yes).", form: .toggle,
      need: .losses
    ) { $0.recordsLosses = try $1.toggle },
  ]

  /// A path that stays right when the run resumes elsewhere; shipped names stay as they are.
  private static func absolute(_ model: String) -> String {
    FileManager.default.fileExists(atPath: model)
      ? URL(fileURLWithPath: model).path(percentEncoded: false) : model
  }
}

extension Configuration.Classifier {
  /// The classifier that is left without likelihood maximization.
  var withoutMaximization: Self {
    switch self {
    case .rdc: .dc
    case .lmOptimal: .optimal
    case .lmCNN: .cnn
    case .dc, .optimal, .cnn, .purifyDC, .purifyCNN: self
    }
  }

  /// As `rdc, lm+optimal or lm+cnn`: those of which something holds.
  static func names(where holds: (Self) -> Bool) -> String {
    let names = allCases.filter(holds).map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or \(names[names.count - 1])"
  }
}
