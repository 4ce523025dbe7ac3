import Basics
import Classifiers
import Foundation
import Networks
import Records

/// What a user asks of a run: everything that must be known to start it, or to start it again.
public struct RunRequest: Codable, Hashable, Sendable {
  /// Shipped name or path of the denoiser, or of the network that classifies.
  public var model = ShippedModels.standard
  /// Command of the process that computes in the place of `model`; nil: none. It is never stored, so
  /// that nothing starts a command that it found in a file.
  public var engine: String?
  /// SHA-256 of what the engine served, so that a run goes on with the same only; nil: none.
  public var engineSHA256: String?
  /// What 0 and 1 of the dataset's values stood for; nil: of what is recorded, they had no other unit.
  public var limits: ValueLimits?
  /// Shipped name or path of another network for likelihood maximization.
  public var lmModel: String?
  /// Dataset's name.
  public var dataset = "fashion-mnist"
  /// Folder of its files; nil for the usual places.
  public var data: String?
  /// Split.
  public var split = "test"
  /// Which images, as `ImageSelection` reads them.
  public var images = "100"
  /// Run whose recorded images are classified instead.
  public var inputsRun: String?
  /// Which part of the images, one of several runs' that together classify all; nil: all of them.
  public var shard: Shard?
  /// The classifier; `model` and `lmModel` are filled in from the files.
  public var configuration = Configuration(
    classifier: .dc, model: "", grid: "linear:1e-4:3:125", weights: "edm")
  /// Overrides of the likelihood maximization's published parameters.
  public var lm = LMOverrides()
  /// The attack; nil for a clean run.
  public var attack: AttackConfiguration?
  /// Seed of the defence's stream.
  public var seed: UInt64 = 0
  /// Seed of the attacker's stream.
  public var attackSeed: UInt64 = 1
  /// Whether raw losses are recorded.
  public var recordsLosses = true

  /// The defaults.
  public init() {}

  /// Names of stored fields, which stay as they are: what is recorded must be read for good.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case model, lmModel, dataset, data, split, images, inputsRun, configuration, lm, attack, seed
    case attackSeed, recordsLosses, shard, engineSHA256, limits
  }

  /// Whether this process computes a network: the one that is asked, or another that moves images.
  package var computesNetworks: Bool {
    let kind = configuration.classifier
    let movesByOwn = kind.movesImages && (lmModel != nil || !kind.weighsLosses || kind.isOptimal)
    return movesByOwn || (engine == nil && !kind.isOptimal)
  }

  /// Takes the dataset's files from another folder, by a path that stays right elsewhere; nil: from
  /// where they are.
  package mutating func move(to folder: String?) {
    if let folder { data = URL(fileURLWithPath: folder).plainPath }
  }

  /// The request of recorded JSON; a field that it lacks, because the Elbow that wrote it did not
  /// know it, is at its default.
  ///
  /// - Throws: `ElbowError` for a field that this Elbow does not know, `DecodingError` for what is
  ///   out of form.
  public init(json: String) throws {
    let defaults = try JSONValue(encoding: RunRequest())
    let recorded = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    guard case .object(let known) = defaults, case .object(let fields) = recorded else {
      throw ElbowError(.damaged, "a recorded request is no JSON object")
    }
    let names = Set(CodingKeys.allCases.map(\.rawValue))
    if let unknown = fields.keys.sorted().first(where: { !names.contains($0) }) {
      throw ElbowError(.newer, "it has the field '\(unknown)' that this Elbow does not know")
    }
    let whole = JSONValue.object(known.merging(fields) { $1 })
    self = try JSONDecoder().decode(RunRequest.self, from: Data(whole.canonical.utf8))
  }

  /// Parameters of likelihood maximization that the user set.
  public struct LMOverrides: Codable, Hashable, Sendable {
    /// Variant; nil: the classifier's default, `paper`.
    public var variant: LikelihoodMaximization.Variant?
    /// N.
    public var steps: Int?
    /// Step size.
    public var rate: Double?
    /// Lower end of σ.
    public var sigmaLow: Double?
    /// Upper end of σ.
    public var sigmaHigh: Double?
    /// Bound on the movement.
    public var eta: Double?

    /// Nothing overridden.
    public init() {}

    /// Whether nothing is set.
    public var isEmpty: Bool { self == LMOverrides() }
  }
}

extension RunRequest.LMOverrides {
  /// The published parameters with the overrides in their places.
  package func resolved(grid: NoiseGrid) throws -> LikelihoodMaximization {
    var result = LikelihoodMaximization.defaults(variant ?? .paper, grid: grid)
    result.steps = steps ?? result.steps
    result.sigmaLow = sigmaLow ?? result.sigmaLow
    result.sigmaHigh = sigmaHigh ?? result.sigmaHigh
    result.eta = eta ?? result.eta
    if result.variant == .l2, let eta = result.eta { result.rate = 2 * eta / Double(result.steps) }
    result.rate = rate ?? result.rate
    return result
  }
}

extension RunRequest {
  /// Places in a list of so many images that belong to the request's shard.
  ///
  /// - Throws: `ElbowError` where there are none.
  package func places(of count: Int) throws -> [Int] {
    guard let shard else { return Array(0..<count) }
    let places = (0..<count).filter(shard.contains)
    guard !places.isEmpty else {
      throw ElbowError(
        .malformed, "`shard` \(shard.spelling) is empty: there are \(count.counted("image"))")
    }
    return places
  }
}
