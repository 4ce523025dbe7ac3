import Basics
import Classifiers
import Engines
import Evaluation
import Foundation
import Networks
import Records
import TensorCore

/// An engine against a model that Elbow computes itself: that both are the same network.
package struct EngineCheck {
  /// One comparison.
  package struct Finding {
    /// What was compared.
    package let item: String
    /// How many.
    package let count: Int
    /// The worst ‖a − b‖₂/‖b‖₂, or the share of answers that differ.
    package let error: Double
    /// What is allowed.
    package let tolerance: Double

    /// Whether it is within what is allowed; what is no number is not.
    package var isGood: Bool { error <= tolerance }
  }

  /// What was found.
  package private(set) var findings: [Finding] = []
  /// Rows a second that the engine gave while the run's answers were computed.
  package private(set) var rate = 0.0
  /// The engine.
  package let hello: EngineHello

  /// Noise levels at which losses and gradients are compared.
  private static let sigmas: [Float] = [0.01, 0.1, 0.5, 2, 20]

  /// Compares.
  ///
  /// - Parameters:
  ///   - command: starts the engine.
  ///   - model: shipped name or file of the same network.
  ///   - request: says which images, at which levels a whole run is answered.
  /// - Throws: `ElbowError` where the two cannot be compared, or the engine fails.
  package init(
    _ command: String, against model: String, _ request: RunRequest, in session: Session
  ) throws {
    let engine = try session.files.engine(command, following: session.workers)
    hello = engine.hello
    var request = request
    if hello.kind == .classifier {
      request.configuration.classifier = .cnn
      (request.configuration.grid, request.configuration.weights) = ("", "")
    }
    var own = request
    own.model = model
    own.recordsLosses = true
    var served = request
    served.engine = command
    let here = try RunPlan(own, workers: session.workers, files: session.files)
    let there = try RunPlan(served, workers: session.workers, files: session.files)
    let inputs = try session.files.inputs(request, of: here.dataset)
    if hello.kind == .denoiser {
      let denoiser = try session.files.denoiser(model, .fp32).0
      try compare(denoiser, EngineDenoiser(engine), here.dataset.pixels(at: inputs[0].index))
    }
    try answer(inputs, here, there)
  }

  /// Residuals and gradients at one image, for every level and label.
  private mutating func compare(
    _ own: any Denoiser, _ other: EngineDenoiser, _ pixels: [Float]
  ) throws {
    let x = pixels.map { 2 * $0 - 1 }
    var noise = x
    var span = noise.mutableSpan
    var random = NoiseKey(
      NoiseStream(seed: 0, owner: .defence), .classification,
      ImageKey(dataset: "engine check", split: "", index: 0)
    ).random()
    random.gaussians(into: &span)
    let labels: [Int?] =
      Array(0..<own.classCount) + (own.isUnconditional && other.isUnconditional ? [nil] : [])
    let (a, b) = (own.makeSession(), other.makeSession())
    var (residual, gradient, sign) = (0.0, 0.0, 0.0)
    for sigma in Self.sigmas {
      func each(
        _ body: (any DenoiserSession, inout MutableSpan<Float>) throws -> Void, count: Int
      ) throws -> Double {
        let size = x.count
        var values = [[Float]](repeating: [Float](repeating: 0, count: size * count), count: 2)
        for (index, session) in [a, b].enumerated() {
          var output = values[index].mutableSpan
          try body(session, &output)
        }
        return (0..<count).map { row in
          let rows = row * size..<(row + 1) * size
          return relativeError(values[1][rows], values[0][rows])
        }.max() ?? 0
      }
      residual = try max(
        residual,
        each(
          {
            try $0.residuals(
              image: x.span, noise: noise.span, sigma: sigma, labels: labels, into: &$1)
          }, count: labels.count))
      for label in labels {
        func pulled(_ form: ResidualCotangent.Form) throws -> Double {
          try each(
            {
              try $0.gradient(
                image: x.span, noise: noise.span, sigma: sigma, labels: [label], into: &$1,
                of: ResidualCotangent(form, factors: [2]))
            }, count: 1)
        }
        gradient = try max(gradient, pulled(.residual))
        sign = try max(sign, pulled(.sign))
      }
    }
    let count = Self.sigmas.count * labels.count
    findings += [
      Finding(item: "residuals", count: count, error: residual, tolerance: 1e-3),
      Finding(item: "gradients of squares", count: count, error: gradient, tolerance: 1e-2),
      // Signs of residuals near zero may differ.
      Finding(item: "gradients of magnitudes", count: count, error: sign, tolerance: 5e-2),
    ]
  }

  /// A run's losses and answers, image by image.
  private mutating func answer(
    _ inputs: [InputRecord], _ here: RunPlan, _ there: RunPlan
  ) throws {
    let stream = NoiseStream(seed: 0, owner: .defence)
    func answers(_ plan: RunPlan) throws -> [Answer] {
      let found = Results<Answer>(inputs.count)
      try plan.workers.forEach(inputs.count) { index, _ in
        let key = ImageKey(
          dataset: inputs[index].dataset, split: inputs[index].split, index: inputs[index].index)
        found[index] = try plan.classifier.classify(
          plan.dataset.pixels(at: inputs[index].index), key: key, stream: stream)
      }
      return found.all
    }
    let own = try answers(here)
    let start = ContinuousClock.now
    let served = try answers(there)
    rate =
      Double(served.reduce(0) { $0 + $1.cost.evaluations }) / (ContinuousClock.now - start).seconds
    func evidence(_ answer: Answer) -> [Float] { answer.evidence.map { Float($0.elbo ?? 0) } }
    let worst = zip(served, own).map { relativeError(evidence($0), evidence($1)) }.max() ?? 0
    let different = zip(served, own).count { $0.predicted != $1.predicted }
    findings += [
      Finding(
        item: here.configuration.classifier.weighsLosses ? "ELBOs" : "logits", count: own.count,
        error: worst, tolerance: 1e-3),
      Finding(
        item: "answers that differ", count: own.count,
        error: Double(different) / Double(max(own.count, 1)), tolerance: 0),
    ]
  }
}

/// Values that threads put each in its place.
private final class Results<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Int: Value] = [:]
  private let count: Int

  init(_ count: Int) { self.count = count }

  subscript(index: Int) -> Value? {
    get { lock.withLock { values[index] } }
    set { lock.withLock { values[index] = newValue } }
  }

  var all: [Value] { lock.withLock { (0..<count).compactMap { values[$0] } } }
}
