import ArgumentParser
import Attacks
import Classifiers
import Evaluation
import Foundation
import Records

extension Configuration.Classifier: ExpressibleByArgument {}
extension Configuration.Loss: ExpressibleByArgument {}
extension Configuration.Reduction: ExpressibleByArgument {}
extension Configuration.Noise: ExpressibleByArgument {}
extension AttackConfiguration.Norm: ExpressibleByArgument {}
extension AttackConfiguration.Gradient: ExpressibleByArgument {}

/// Flags that say what a run computes. All are optional: what is missing keeps the default of
/// `RunRequest`.
struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
  var model: String?
  @Option(
    help: ArgumentHelp(
      "Model that maximizes likelihood, where it is another.", valueName: "name|file"))
  var lmModel: String?
  @Option(help: "fashion-mnist or cifar10.")
  var dataset: String?
  @Option(help: ArgumentHelp("Folder of the dataset's files.", valueName: "dir"))
  var data: String?
  @Option(help: "test or train.")
  var split: String?
  @Option(
    help: ArgumentHelp(
      "First N, half-open range A..B, or list A,B,C (default: 100).", valueName: "n|a..b|a,b,c"))
  var images: String?
  @Option(
    help: ArgumentHelp(
      "Classify the recorded images of this run, adversarial ones included.", valueName: "run"))
  var inputs: String?
  @Option(help: "dc, rdc, optimal, lm+optimal, cnn or lm+cnn (default: dc).")
  var classifier: Configuration.Classifier?
  @Option(
    help: ArgumentHelp(
      "linear:LOW:HIGH:COUNT, log:…, karras:…, legendre:… or quantile:COUNT (default: "
        + "linear:1e-4:3:125)."))
  var grid: String?
  @Option(help: "edm, edm-as-released, elbo, snr or uniform (default: edm).")
  var weights: String?
  @Option(help: "squared or absolute error (default: squared).")
  var loss: Configuration.Loss?
  @Option(help: "sum or mean over pixels (default: sum).")
  var reduction: Configuration.Reduction?
  @Option(help: "Factor on every logit (default: 1).")
  var logitScale: Double?
  @Option(help: ArgumentHelp("Class prior, probabilities P,P,… (default: uniform)."))
  var prior: String?
  @Option(help: "shared between classes, or fresh (default: shared).")
  var noise: Configuration.Noise?
  @Flag(inversion: .prefixedNo, help: "The same noise direction at every timestep.")
  var shareTimesteps: Bool?
  @Flag(inversion: .prefixedNo, help: "Draw noise in pairs of opposite sign.")
  var antithetic: Bool?
  @Option(help: "Noise draws a timestep and class (default: 1).")
  var draws: Int?
  @Option(
    help: ArgumentHelp(
      "\(SamplingStrategies.usages.joined(separator: ", ")) (default: full)."))
  var strategy: String?
  @Option(
    help: "Likelihood maximization: none, paper, released or l2 (default: paper for rdc).")
  var lm: String?
  @Option(help: "Its steps (default: 5).")
  var lmSteps: Int?
  @Option(help: "Its step size in [-1, 1] units.")
  var lmRate: Double?
  @Option(help: ArgumentHelp("Its noise levels.", valueName: "lo:hi"))
  var lmSigma: String?
  @Option(help: "Bound on its movement in pixel units, as 8/255.")
  var eta: String?
  @Option(help: "none, \(Attacks.names.joined(separator: ", ")) (default: none).")
  var attack: String?
  @Option(help: "linf or l2 (default: linf).")
  var norm: AttackConfiguration.Norm?
  @Option(help: "The attack's budget in pixel units (default: 8/255, for l2 0.5).")
  var epsilon: String?
  @Option(help: "Its iterations (default: 100, of fgsm 1).")
  var attackSteps: Int?
  @Option(help: "Its random starts (default: 1).")
  var restarts: Int?
  @Option(help: "Noise draws averaged for each gradient (default: 1).")
  var eot: Int?
  @Option(help: "How gradients pass likelihood maximization: bpda (default: bpda).")
  var gradient: AttackConfiguration.Gradient?
  @Option(help: "Seed of the defence's noise (default: 0).")
  var seed: Int?
  @Option(help: "Seed of the attacker's noise (default: 1).")
  var attackSeed: Int?
  @Flag(inversion: .prefixedNo, help: "Record per-timestep losses (default: yes).")
  var losses: Bool?

  /// Flags that a configuration file may set, those of `RunCommand` included.
  static let names = [
    "model", "lm-model", "dataset", "data", "split", "images", "inputs", "classifier", "grid",
    "weights", "loss", "reduction", "logit-scale", "prior", "noise", "share-timesteps",
    "antithetic", "draws", "strategy", "lm", "lm-steps", "lm-rate", "lm-sigma", "eta", "attack",
    "norm", "epsilon", "attack-steps", "restarts", "eot", "gradient", "seed", "attack-seed",
    "losses", "name", "group", "tag", "note", "db", "threads", "batch", "budget",
  ]
  /// Those that are on or off.
  static let switches = ["share-timesteps", "antithetic", "losses"]

  /// The request that these flags make.
  ///
  /// - Throws: `ConfigurationError` for values out of form.
  func request() throws -> RunRequest {
    var r = RunRequest()
    func set<T>(_ path: WritableKeyPath<RunRequest, T>, _ value: T?) {
      if let value { r[keyPath: path] = value }
    }
    set(\.model, model.map(Self.absolute))
    set(\.lmModel, lmModel.map { Self.absolute($0) })
    set(\.dataset, dataset)
    set(\.data, data.map { URL(fileURLWithPath: $0).path(percentEncoded: false) })
    set(\.split, split)
    set(\.images, images)
    set(\.inputsRun, inputs.map { $0 })
    set(\.configuration.classifier, classifier)
    set(\.configuration.grid, grid)
    set(\.configuration.weights, weights)
    set(\.configuration.loss, loss)
    set(\.configuration.reduction, reduction)
    set(\.configuration.logitScale, logitScale)
    set(\.configuration.noise, noise)
    set(\.configuration.sharesTimesteps, shareTimesteps)
    set(\.configuration.antithetic, antithetic)
    set(\.configuration.draws, draws)
    set(\.configuration.strategy, strategy)
    set(\.recordsLosses, losses)
    set(\.seed, try Self.seed(seed, "--seed"))
    set(\.attackSeed, try Self.seed(attackSeed, "--attack-seed"))
    if let prior { r.configuration.prior = try Self.numbers(prior, "--prior", separator: ",") }
    if !r.configuration.classifier.weighsLosses { try setNetwork(&r) }
    if inputs != nil, images != nil || dataset != nil || split != nil {
      throw ConfigurationError(
        "--inputs takes the images of the run it names; leave --images, --dataset and --split out")
    }
    try setLikelihoodMaximization(&r)
    try setAttack(&r)
    return r
  }

  /// A classifier that weighs no losses has a model of its own, and no flags of losses.
  private func setNetwork(_ r: inout RunRequest) throws {
    let kind = r.configuration.classifier.rawValue
    let given: [(String, Bool)] = [
      ("--grid", grid != nil), ("--weights", weights != nil), ("--loss", loss != nil),
      ("--reduction", reduction != nil), ("--logit-scale", logitScale != nil),
      ("--prior", prior != nil), ("--noise", noise != nil),
      ("--share-timesteps", shareTimesteps != nil), ("--antithetic", antithetic != nil),
      ("--draws", draws != nil), ("--strategy", strategy != nil), ("--losses", losses != nil),
    ]
    if let flag = given.first(where: \.1)?.0 {
      throw ConfigurationError(
        "\(flag) needs a classifier that weighs denoising losses: dc, rdc, optimal or lm+optimal, "
          + "not \(kind)")
    }
    guard model != nil else {
      throw ConfigurationError(
        "--classifier \(kind) needs a classifier network: --model NAME|FILE; train one with 'elbow "
          + "train classifier'")
    }
    (r.configuration.grid, r.configuration.weights, r.recordsLosses) = ("", "", false)
  }

  private func setLikelihoodMaximization(_ r: inout RunRequest) throws {
    if let lm, lm != "none" {
      let names = LikelihoodMaximization.Variant.allCases.map(\.rawValue)
      guard let variant = LikelihoodMaximization.Variant(rawValue: lm) else {
        throw ConfigurationError(
          "no likelihood maximization '\(lm)'; there are none, \(names.joined(separator: ", "))"
            + didYouMean(lm, among: names))
      }
      r.lm.variant = variant
    }
    r.lm.steps = lmSteps
    r.lm.rate = lmRate
    if let lmSigma {
      let bounds = try Self.numbers(lmSigma, "--lm-sigma", separator: ":")
      guard bounds.count == 2 else {
        throw ConfigurationError("--lm-sigma needs LOW:HIGH, got '\(lmSigma)'")
      }
      (r.lm.sigmaLow, r.lm.sigmaHigh) = (bounds[0], bounds[1])
    }
    r.lm.eta = try eta.map { try Self.fraction($0, "--eta") }
    guard lm == "none" else { return }
    // Without likelihood maximization each classifier is its base.
    guard r.lm.isEmpty else {
      throw ConfigurationError("--lm none has no parameters; leave --lm-… and --eta out")
    }
    switch r.configuration.classifier {
    case .rdc: r.configuration.classifier = .dc
    case .lmOptimal: r.configuration.classifier = .optimal
    case .lmCNN: r.configuration.classifier = .cnn
    case .dc, .optimal, .cnn: break
    }
  }

  private func setAttack(_ r: inout RunRequest) throws {
    guard let attack, attack != "none" else {
      let given: [(String, Bool)] = [
        ("--norm", norm != nil), ("--epsilon", epsilon != nil),
        ("--attack-steps", attackSteps != nil), ("--restarts", restarts != nil),
        ("--eot", eot != nil), ("--gradient", gradient != nil),
        ("--attack-seed", attackSeed != nil),
      ]
      if let flag = given.first(where: \.1)?.0 {
        throw ConfigurationError("\(flag) needs an attack: add --attack apgd-margin, or another")
      }
      return
    }
    if inputs != nil {
      throw ConfigurationError(
        "--inputs classifies recorded images as they are; leave --attack out")
    }
    let norm = norm ?? .linf
    var a = AttackConfiguration(
      name: attack, norm: norm,
      epsilon: try epsilon.map { try Self.fraction($0, "--epsilon") }
        ?? (norm == .linf ? 8.0 / 255 : 0.5))
    a.steps = attackSteps ?? (Attacks.isSingleStep(attack) ? 1 : a.steps)
    a.restarts = restarts ?? a.restarts
    a.eot = eot ?? a.eot
    a.gradient = gradient ?? a.gradient
    r.attack = a
  }

  private static func seed(_ value: Int?, _ flag: String) throws -> UInt64? {
    guard let value else { return nil }
    guard value >= 0 else { throw ConfigurationError("\(flag) must not be negative") }
    return UInt64(value)
  }

  /// A path that stays right when the run resumes elsewhere; shipped names stay as they are.
  private static func absolute(_ model: String) -> String {
    FileManager.default.fileExists(atPath: model)
      ? URL(fileURLWithPath: model).path(percentEncoded: false) : model
  }

  /// `8/255` or `0.03`.
  static func fraction(_ text: String, _ flag: String) throws -> Double {
    if let value = Fraction.parse(text) { return value }
    throw ConfigurationError("\(flag) needs a number or a fraction as 8/255, got '\(text)'")
  }

  private static func numbers(
    _ text: String, _ flag: String, separator: Character
  ) throws -> [Double] {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    guard values.count == parts.count else {
      throw ConfigurationError("\(flag) needs numbers with '\(separator)' between, got '\(text)'")
    }
    return values
  }
}
