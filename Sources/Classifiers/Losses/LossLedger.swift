import Records

/// The losses that a strategy asked for one image, each once, with what they say of every class.
public struct LossLedger {
  /// What is known of one class.
  struct Account {
    /// Timesteps asked for, in the order asked.
    var timesteps: [Int] = []
    /// Σ w_i·ℓ_i over them, ℓ_i the mean over draws.
    var weightedSum = 0.0
    /// Round in which the class was last asked for.
    var lastRound = 0
    var isEliminated = false
  }

  private let source: any LossSource
  private let plan: ClassifierPlan
  private var rounds = 0
  /// Network evaluations asked for.
  private(set) var evaluations = 0
  /// By class.
  private(set) var accounts: [Account]
  /// Every loss in the order asked.
  private(set) var entries: [LossRecord.Loss] = []
  private let keepsEntries: Bool
  private let absence: GradientDemand.Absence?

  /// An empty ledger over `source`.
  ///
  /// - Parameters:
  ///   - keepsEntries: whether the raw losses are kept for the record.
  ///   - absence: classes that a strategy does not see.
  init(
    _ source: any LossSource, plan: ClassifierPlan, keepsEntries: Bool,
    without absence: GradientDemand.Absence? = nil
  ) {
    self.absence = absence
    self.source = source
    self.plan = plan
    self.keepsEntries = keepsEntries
    accounts = Array(repeating: Account(), count: source.classCount)
  }

  /// Number of timesteps T of the grid.
  public var gridSize: Int { plan.grid.count }
  /// Every class that may be asked for.
  public var allClasses: [Int] {
    absence.map { absence in accounts.indices.filter { absence.gaps[$0] == nil } }
      ?? Array(accounts.indices)
  }

  /// Asks for the losses of `classes` at `timesteps`, all draws: one round.
  ///
  /// - Returns: what each loss, the mean of its draws, takes from its class's logit on the whole
  ///   grid, s·w_i·ℓ_i. **Shape** `[timesteps.count, classes.count]`, row-major.
  /// - Throws: what the source throws.
  @discardableResult
  public mutating func ask(classes: [Int], timesteps: [Int]) throws -> [Double] {
    let draws = plan.draws
    let scale = plan.lossScale(asked: gridSize)
    var penalties = [Double](repeating: 0, count: timesteps.count * classes.count)
    for draw in 0..<draws {
      let losses = try source.losses(classes: classes, timesteps: timesteps, draw: draw)
      for (row, timestep) in timesteps.enumerated() {
        for (column, label) in classes.enumerated() {
          let value = losses[row * classes.count + column]
          let weighted = plan.weights[timestep] * Double(value) / Double(draws)
          accounts[label].weightedSum += weighted
          penalties[row * classes.count + column] += scale * weighted
          if keepsEntries {
            entries.append(.init(draw: draw, timestep: timestep, label: label, value: value))
          }
        }
      }
    }
    evaluations += source.evaluations(classes: classes.count) * timesteps.count * draws
    for label in classes {
      accounts[label].timesteps += timesteps
      accounts[label].lastRound = rounds
    }
    rounds += 1
    return penalties
  }

  /// ln p(y) of a class, up to a constant.
  public func logPrior(of label: Int) -> Double { plan.logPrior(label) }
  /// w_i of a timestep.
  public func weight(of timestep: Int) -> Double { plan.weights[timestep] }

  /// Takes every other class out of the contest.
  public mutating func eliminateAll(except classes: [Int]) {
    for label in accounts.indices where !classes.contains(label) {
      accounts[label].isEliminated = true
    }
  }

  /// Logit s·ELBO_y + ln p(y) of a class, from the timesteps asked for it so far; −∞ where it
  /// diverged.
  public func logit(of label: Int) -> Double {
    let account = accounts[label]
    let logit =
      plan.logPrior(label)
      - plan.lossScale(asked: account.timesteps.count) * account.weightedSum
    return logit.isNaN ? -.infinity : logit
  }

  /// The class of the highest logit among those that are left, ties to the lower; nil where none went
  /// out, so that the logits tell.
  var survivor: Int? {
    guard accounts.contains(where: \.isEliminated) else { return nil }
    let left = accounts.indices.filter {
      !accounts[$0].isEliminated && absence?.gaps[$0] == nil
    }
    return left.max { (logit(of: $0), -$0) < (logit(of: $1), -$1) }
  }

  /// Logits, `[K]`; of an eliminated class, the estimate it went out with.
  var logits: [Double] {
    accounts.indices.map { label in
      guard let absence, let gap = absence.gaps[label] else { return logit(of: label) }
      return logit(of: absence.reference) + gap
    }
  }
}
