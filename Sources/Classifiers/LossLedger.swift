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

  /// An empty ledger over `source`.
  ///
  /// - Parameter keepsEntries: whether the raw losses are kept for the record.
  init(_ source: any LossSource, plan: ClassifierPlan, keepsEntries: Bool) {
    self.source = source
    self.plan = plan
    self.keepsEntries = keepsEntries
    accounts = Array(repeating: Account(), count: source.classCount)
  }

  /// Number of timesteps T of the grid.
  public var gridSize: Int { plan.grid.count }
  /// Every class.
  public var allClasses: [Int] { Array(accounts.indices) }

  /// Asks for the losses of `classes` at `timesteps`, all draws: one round.
  ///
  /// - Throws: what the source throws.
  public mutating func ask(classes: [Int], timesteps: [Int]) throws {
    let draws = plan.draws
    for draw in 0..<draws {
      let losses = try source.losses(classes: classes, timesteps: timesteps, draw: draw)
      for (row, timestep) in timesteps.enumerated() {
        for (column, label) in classes.enumerated() {
          let value = losses[row * classes.count + column]
          accounts[label].weightedSum += plan.weights[timestep] * Double(value) / Double(draws)
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
  }

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

  /// Logits, `[K]`; of an eliminated class, the estimate it went out with.
  var logits: [Double] { allClasses.map(logit) }
}
