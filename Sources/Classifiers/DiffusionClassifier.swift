import Networks
import Records
import TensorCore

/// The diffusion classifier (DC): class probabilities from the denoising losses of every class.
///
///     ELBO_y(x) ≈ −Σ_i w_i · ‖D(x + σ_i ε_i; σ_i, y) − x‖²    logit_y = s·ELBO_y + ln p(y)
///
/// With `OptimalDenoiser` it is the optimal diffusion classifier.
///
/// **Source** arXiv 2305.15241, section 3.2; Li et al. 2023 (arXiv 2303.16203).
public struct DiffusionClassifier: ImageClassifier {
  let pool: DenoiserPool
  let plan: ClassifierPlan
  private let recordsLosses: Bool

  /// A classifier over the denoisers of `pool`.
  ///
  /// - Parameter recordsLosses: whether answers carry the raw losses.
  public init(_ pool: DenoiserPool, plan: ClassifierPlan, recordsLosses: Bool = true) {
    self.pool = pool
    self.plan = plan
    self.recordsLosses = recordsLosses
  }

  public var shape: ImageShape { plan.shape }
  public var classCount: Int { plan.classCount }
  public var isRandomized: Bool { true }

  public func classify(_ image: [Float], key: ImageKey, stream: NoiseStream) throws -> Answer {
    let source = ModelLossSource(
      pool: pool, plan: plan, image: modelUnits(image), key: key, stream: stream)
    let ledger = try sample(source, key: key, stream: stream, keepsEntries: recordsLosses)
    return plan.answer(from: ledger)
  }

  public func logits(
    of image: [Float], key: ImageKey, stream: NoiseStream
  ) throws -> LogitAnswer {
    let source = ModelLossSource(
      pool: pool, plan: plan, image: modelUnits(image), key: key, stream: stream)
    let ledger = try sample(source, key: key, stream: stream, keepsEntries: false)
    return LogitAnswer(
      logits: ledger.logits, cost: Cost(evaluations: ledger.evaluations),
      predicted: ledger.survivor)
  }

  public func gradient(
    of image: [Float], key: ImageKey, stream: NoiseStream, asking demand: GradientDemand,
    cotangent: @Sendable ([Double]) -> [Double]
  ) throws -> LogitGradient {
    let kept = KeptPasses(pool, expecting: demand.expected)
    let source = ModelLossSource(
      pool: pool, plan: plan, image: modelUnits(image), key: key, stream: stream, kept: kept)
    var demand = demand
    // Where classes share passes, one costs as much as all.
    if source.sharesEvaluations { demand.absence = nil }
    let ledger = try sample(
      source, key: key, stream: stream, keepsEntries: false, asking: demand)
    let logits = ledger.logits
    let terms = plan.gradientTerms(
      of: ledger, cotangent: cotangent(logits), asking: demand,
      sharingEvaluations: source.sharesEvaluations, inGroups: kept != nil)
    let total = try kept?.sumOfGradients(terms, of: source) ?? sumOfGradients(terms, of: source)
    let passes = terms.reduce(0) { $0 + source.evaluations(classes: $1.labels.count) }
    return LogitGradient(
      // x = 2·pixel − 1.
      logits: logits, gradient: total.map { Float(2 * $0) },
      cost: Cost(evaluations: ledger.evaluations, gradients: passes), predicted: ledger.survivor)
  }

  private func sample(
    _ source: ModelLossSource, key: ImageKey, stream: NoiseStream, keepsEntries: Bool,
    asking demand: GradientDemand = GradientDemand()
  ) throws -> LossLedger {
    precondition(
      source.image.count == shape.count,
      "image has \(source.image.count) values, the model takes \(shape.count)")
    return try plan.sample(
      source, key: key, stream: stream, keepsEntries: keepsEntries, asking: demand)
  }

  /// Σ coefficient·∂ℓ/∂x over `terms`, in model units, of a denoiser that keeps no passes.
  ///
  /// Terms are dealt to a fixed number of lanes, each summed in order, so that neither memory nor
  /// the result depends on their number or on the threads.
  private func sumOfGradients(
    _ terms: [GradientTerm], of source: ModelLossSource
  ) throws -> [Double] {
    let lanes = LaneSums(count: min(terms.count, 64), length: shape.count)
    try pool.forEach(lanes.count) { lane, slot in
      for index in stride(from: lane, to: terms.count, by: lanes.count) {
        let term = terms[index]
        let query = source.query(
          slot, timestep: term.timestep, draw: term.draw, labels: term.labels)
        // The term's largest coefficient is put in after the sum.
        try slot.differentiate(query, of: source.cotangent(of: term, labels: term.labels))
        lanes.add(slot.gradient, times: term.largest, to: lane)
      }
    }
    return lanes.total
  }
}

/// The part in a gradient of losses that are evaluated in one call.
struct GradientTerm: Sendable {
  var timestep: Int
  var draw: Int
  var labels: [Int]
  /// c_k·∂logit_k/∂ℓ of each label, not 0.
  var coefficients: [Double]
  /// The largest of their magnitudes.
  var largest: Double { coefficients.reduce(0) { max($0, $1.magnitude) } }
}

extension ClassifierPlan {
  /// Classes whose |c_k| is below this share of the largest add less than Float32 can tell.
  private static let negligible = 1e-8

  /// The losses that Σ_k c_k·logit_k depends on, each with its coefficient.
  ///
  /// - Parameter inGroups: whether evaluations go through the network in groups, whatever they are of.
  func gradientTerms(
    of ledger: LossLedger, cotangent: [Double], asking demand: GradientDemand,
    sharingEvaluations: Bool, inGroups: Bool
  ) -> [GradientTerm] {
    precondition(
      cotangent.count == classCount,
      "cotangent has \(cotangent.count) values for \(classCount) classes")
    let c = sharingEvaluations ? cotangent : demand.settled(cotangent)
    let largest = c.map(\.magnitude).max() ?? 0
    var labels: [[Int]] = Array(repeating: [], count: grid.count)
    var scales = [Double](repeating: 0, count: classCount)
    for (label, account) in ledger.accounts.enumerated()
    where c[label] != 0 && c[label].magnitude >= Self.negligible * largest {
      scales[label] = c[label] * lossScale(asked: account.timesteps.count) / Double(draws)
      for timestep in account.timesteps where weights[timestep] != 0 {
        labels[timestep].append(label)
      }
    }
    // The same parts whatever the threads, so that sums have the same order.
    let limit = inGroups ? 1 : labels.reduce(0) { $0 + $1.count } * draws / 16
    var terms: [GradientTerm] = []
    for timestep in grid.levels.indices {
      let parts = parts(
        of: labels[timestep], sharingEvaluations: sharingEvaluations, atMost: limit)
      for draw in 0..<draws {
        terms += parts.map { part in
          GradientTerm(
            timestep: timestep, draw: draw, labels: Array(part),
            coefficients: part.map { -scales[$0] * weights[timestep] })
        }
      }
    }
    return terms
  }

  /// What the strategy asks of `source`, with what it learns.
  func sample(
    _ source: any LossSource, key: ImageKey, stream: NoiseStream, keepsEntries: Bool,
    asking demand: GradientDemand = GradientDemand()
  ) throws -> LossLedger {
    var ledger = LossLedger(
      source, plan: self, keepsEntries: keepsEntries, without: demand.absence)
    var random = NoiseKey(stream, .strategy, key).random()
    if demand.asksAll {
      let even = EvenLosses(classCount: classCount, sharesEvaluations: source.sharesEvaluations)
      let most = try sample(even, key: key, stream: stream, keepsEntries: false)
      let timesteps = Set(most.accounts.flatMap(\.timesteps)).sorted()
      try ledger.ask(classes: ledger.allClasses, timesteps: timesteps)
    } else {
      try strategy.sample(&ledger, random: &random)
    }
    return ledger
  }

  /// The answer for one image whose losses `source` gives: a live model or a recorded run.
  ///
  /// - Parameter keepsLosses: whether the answer carries the raw losses.
  /// - Throws: what the source throws.
  public func answer(
    asking source: any LossSource, key: ImageKey, stream: NoiseStream, keepsLosses: Bool = true
  ) throws -> Answer {
    answer(from: try sample(source, key: key, stream: stream, keepsEntries: keepsLosses))
  }

  /// The classifier's answer from what a strategy asked for.
  func answer(from ledger: LossLedger) -> Answer {
    let logits = ledger.logits
    let evidence = ledger.accounts.enumerated().map { label, account in
      ClassEvidence(
        label: label, elbo: account.isEliminated ? nil : logits[label],
        lastRound: account.lastRound)
    }
    let contenders = evidence.filter { $0.elbo != nil }
    let best = contenders.max { a, b in
      // Ties go to the lower class.
      ((a.elbo ?? 0), -a.label) < ((b.elbo ?? 0), -b.label)
    }
    var answer = Answer(
      predicted: best?.label ?? 0, evidence: evidence,
      cost: Cost(evaluations: ledger.evaluations))
    if !ledger.entries.isEmpty {
      // Shared subsets are asked for draw by draw, timestep by timestep, class by class.
      answer.losses =
        strategy.sharedTimesteps(of: grid.count) != nil
        ? .dense(ledger.entries.map(\.value)) : .sparse(ledger.entries)
    }
    return answer
  }
}

/// Pixel units [0, 1] to the model's [−1, 1].
func modelUnits(_ image: [Float]) -> [Float] { image.map { 2 * $0 - 1 } }
