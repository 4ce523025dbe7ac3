import Basics
import Foundation

extension Configuration: Codable {
  private enum Key: String, CodingKey, CaseIterable {
    case schema, classifier, model, grid, weights, loss, reduction, prior, noise, antithetic, draws,
      precision
    case strategy, lm
    case purification = "purify"
    case smoothing = "randomized_smoothing"
    case lmModel = "lm_model"
    case logitScale = "logit_scale"
    case sharesTimesteps = "share_timesteps"
  }

  public init(from decoder: any Decoder) throws {
    let all = try decoder.container(keyedBy: AnyKey.self)
    let known = Set(Key.allCases.map(\.rawValue))
    if let unknown = all.allKeys.map(\.stringValue).sorted().first(where: { !known.contains($0) }) {
      throw ElbowError(
        .malformed,
        "configuration has an unknown field '\(unknown)'; it was written by a newer Elbow: update")
    }
    let c = try decoder.container(keyedBy: Key.self)
    let schema = try c.decode(Int.self, forKey: .schema)
    guard schema == Self.schema else {
      throw ElbowError(
        .malformed,
        "configuration has schema \(schema), this Elbow reads \(Self.schema): update")
    }
    self.init(
      classifier: try c.decode(Classifier.self, forKey: .classifier),
      model: try c.decode(String.self, forKey: .model))
    if classifier.weighsLosses {
      grid = try c.decode(String.self, forKey: .grid)
      weights = try c.decode(String.self, forKey: .weights)
    }
    lmModel = try c.decodeIfPresent(String.self, forKey: .lmModel)
    loss = try c.decodeIfPresent(Loss.self, forKey: .loss) ?? loss
    reduction = try c.decodeIfPresent(Reduction.self, forKey: .reduction) ?? reduction
    logitScale = try c.decodeIfPresent(Double.self, forKey: .logitScale) ?? logitScale
    prior = try c.decodeIfPresent([Double].self, forKey: .prior)
    noise = try c.decodeIfPresent(Noise.self, forKey: .noise) ?? noise
    sharesTimesteps =
      try c.decodeIfPresent(Bool.self, forKey: .sharesTimesteps) ?? sharesTimesteps
    antithetic = try c.decodeIfPresent(Bool.self, forKey: .antithetic) ?? antithetic
    draws = try c.decodeIfPresent(Int.self, forKey: .draws) ?? draws
    strategy = try c.decodeIfPresent(String.self, forKey: .strategy) ?? strategy
    lm = try c.decodeIfPresent(LikelihoodMaximization.self, forKey: .lm)
    purification = try c.decodeIfPresent(Purification.self, forKey: .purification)
    smoothing = try c.decodeIfPresent(Smoothing.self, forKey: .smoothing)
    precision = try c.decodeIfPresent(Precision.self, forKey: .precision) ?? precision
  }

  public func encode(to encoder: any Encoder) throws {
    var c = encoder.container(keyedBy: Key.self)
    let neutral = Configuration(classifier: classifier, model: model)
    func write<T: Encodable & Equatable>(_ path: KeyPath<Configuration, T>, _ key: Key) throws {
      if self[keyPath: path] != neutral[keyPath: path] {
        try c.encode(self[keyPath: path], forKey: key)
      }
    }
    try c.encode(Self.schema, forKey: .schema)
    try c.encode(classifier, forKey: .classifier)
    try c.encode(model, forKey: .model)
    try write(\.grid, .grid)
    try write(\.weights, .weights)
    try write(\.lmModel, .lmModel)
    try write(\.loss, .loss)
    try write(\.reduction, .reduction)
    try write(\.logitScale, .logitScale)
    try write(\.prior, .prior)
    try write(\.noise, .noise)
    try write(\.sharesTimesteps, .sharesTimesteps)
    try write(\.antithetic, .antithetic)
    try write(\.draws, .draws)
    try write(\.strategy, .strategy)
    try write(\.lm, .lm)
    try write(\.purification, .purification)
    try write(\.smoothing, .smoothing)
    try write(\.precision, .precision)
  }

  /// Canonical JSON (RFC 8785), fields at their neutral default left out.
  ///
  /// - Throws: `EncodingError` where a number is not finite.
  public func canonicalJSON() throws -> String { try JSONValue(encoding: self).canonical }

  /// SHA-256 of the canonical JSON, hexadecimal.
  ///
  /// - Throws: as `canonicalJSON()`.
  public func fingerprint() throws -> String { SHA256.hexDigest(of: try canonicalJSON()) }
}

private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
