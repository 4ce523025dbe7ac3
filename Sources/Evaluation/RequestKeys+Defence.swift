import Basics
import Classifiers
import Datasets
import Foundation
import Networks
import Records

/// What is classified, how, and what is kept.
extension RequestKeys {
  // MARK: Images and model

  static let images = [
    RequestKey(
      "classifier", .images, usage: "name",
      "dc, epndc, rdc, optimal, lm+optimal, cnn, lm+cnn, purify+dc or purify+cnn (default: dc).",
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
    ) {
      guard !$1.text.trimmed.isEmpty else {
        throw ElbowError(.malformed, "`engine` needs a command, got an empty one")
      }
      $0.engine = $1.text
    },
    RequestKey(
      "lm-model", .images, usage: "name|file",
      "Model that maximizes likelihood or purifies, where it is another.", form: .literal,
      choices: ShippedModels.names
    ) { $0.lmModel = absolute($1.text) },
    RequestKey(
      "precision", .images, usage: "name",
      "What products of networks are rounded to: fp32, bf16, or auto, bf16 where this processor "
        + "multiplies it faster (default: fp32).",
      choices: Precision.allCases.map(\.rawValue) + ["auto"]
    ) {
      // `finish` knows what `auto` is, when it knows the rest.
      guard $1.text != "auto" else { return }
      $0.configuration.precision = try $1.choice(Precision.self, or: ["auto"])
    },
    RequestKey(
      "dataset", .images, usage: "name", DatasetCatalog.names.joined(separator: " or ") + ".",
      choices: DatasetCatalog.names
    ) { $0.dataset = $1.text },
    RequestKey(
      "data", .images, usage: "dir", "Folder of the dataset's files.", form: .literal
    ) { $0.move(to: $1.text) },
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

  static let noise = [
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

  static let lm = [
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
        + "back by Heun's method or ancestral sampling, the mean of so many draws of it, or one denoising "
        + "of what has noise (default: \(Purification.usual.spelling))."
    ) { $0.configuration.purification = try Purification($1.text) },
    RequestKey(
      "randomized-smoothing", .lm, usage: "tau:n0:n",
      "The class of most votes among n draws of N(0, τ²) noise, pixel units; n0 draws before them "
        + "choose whose share bounds a radius (default: none; of 0.25 alone 0.25:100:1000)."
    ) { $0.configuration.smoothing = try Smoothing($1.text) },
  ]

  // MARK: Run

  static let run = [
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
      ? URL(fileURLWithPath: model).plainPath : model
  }
}
