import Attacks
import Basics
import Classifiers
import Datasets
import Foundation
import Networks
import Records
import TensorCore

/// Every field of a request as people write it; a new field is one entry of a table.
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
    if values["precision"] == "auto", BFloat16.isFast, request.computesNetworks,
      request.dataset != DatasetCatalog.series
    {
      request.configuration.precision = .bf16
    }
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
    if request.configuration.smoothing != nil {
      guard values["losses"] != "true" else {
        throw ElbowError(
          .malformed,
          "`randomized-smoothing` keeps votes, not the losses behind each; leave `losses` out")
      }
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
    guard request.configuration.isRandomized, !Attacks.isShift(attack.name) else {
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
}

extension Configuration.Classifier {
  /// The classifier that is left without likelihood maximization.
  var withoutMaximization: Self {
    switch self {
    case .rdc: .dc
    case .lmOptimal: .optimal
    case .lmCNN: .cnn
    case .dc, .epndc, .optimal, .cnn, .purifyDC, .purifyCNN: self
    }
  }

  /// As `rdc, lm+optimal or lm+cnn`: those of which something holds.
  static func names(where holds: (Self) -> Bool) -> String {
    let names = allCases.filter(holds).map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or \(names[names.count - 1])"
  }
}
