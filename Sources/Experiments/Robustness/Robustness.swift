import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// Accuracy under attack of every configuration in every threat model, with what stands behind it
/// and against it: the view `robustness` for people.
public struct Robustness: Sendable {
  /// What an attacker may do.
  public struct ThreatModel: Hashable, Sendable {
    /// What bounds the image.
    public let norm: AttackConfiguration.Norm
    /// Budget in the norm's units.
    public let epsilon: Double

    /// The threat model as given.
    public init(norm: AttackConfiguration.Norm, epsilon: Double) {
      (self.norm, self.epsilon) = (norm, epsilon)
    }

    /// As `linf 8/255`.
    public var name: String { norm.threat(epsilon) }
  }

  /// What counts as right under attack.
  public enum Verdict: String, Sendable {
    /// Of a classifier that draws nothing: right under every attack.
    case worst = "worst of attacks"
    /// The attacker knew the noise.
    case frozen
    /// Mean over fresh draws of the noise, of the worst attack.
    case draws = "mean of draws"
    /// On one draw of the noise.
    case oneShot = "one shot"
    /// Mean over natural shifts.
    case shifts = "mean of shifts"
  }

  /// A configuration in a threat model.
  public struct Cell: Sendable {
    /// Images.
    public let n: Int
    /// Share that is right, the headline: for a classifier that draws noise the lower of `frozen` and
    /// `draws`.
    public let accuracy: Double
    /// Its 95 % interval.
    public let interval: WilsonInterval
    /// What the headline counts.
    public let verdict: Verdict
    /// Share right without an attack; nil where it is not known.
    public let clean: Double?
    /// Share right where the attacker knew the noise; nil: not tried, or nothing is drawn.
    public let frozen: Double?
    /// Mean over fresh draws; nil likewise.
    public let draws: Double?
    /// On one draw; nil likewise.
    public let oneShot: Double?
    /// Whether the classifier draws noise.
    public let isRandomized: Bool
    /// Attacks that were not tried on all images that stand.
    let partial: Int
    /// The attacks, the strongest first.
    public internal(set) var attacks: [String] = []
    /// What stands against it.
    public internal(set) var weaknesses: [Weakness] = []

    /// A cell of a headline.
    package init(
      n: Int, accuracy: Double, verdict: Verdict, clean: Double? = nil, frozen: Double? = nil,
      draws: Double? = nil, oneShot: Double? = nil, isRandomized: Bool, partial: Int = 0
    ) {
      (self.n, self.accuracy, self.verdict, self.clean) = (n, accuracy, verdict, clean)
      (self.frozen, self.draws, self.oneShot) = (frozen, draws, oneShot)
      (self.isRandomized, self.partial) = (isRandomized, partial)
      interval = WilsonInterval(share: accuracy, of: n)
    }
  }

  /// A configuration.
  public struct Row: Sendable {
    /// What tells it from the others.
    public let label: String
    /// Of the configuration.
    public let fingerprint: String
    /// Where its images are from.
    public let dataset, split: String
    /// By threat model.
    public internal(set) var cells: [ThreatModel: Cell] = [:]
  }

  /// Configurations, in the order of the query.
  public private(set) var rows: [Row] = []
  /// Threat models, by norm and budget.
  public let threats: [ThreatModel]

  /// Reads what is recorded.
  ///
  /// - Parameters:
  ///   - store: where.
  ///   - filter: over the columns of the query `robustness`; nil: all.
  /// - Throws: `ElbowError` for unknown columns.
  public init(in store: RunStore, where filter: RowFilter? = nil) throws {
    let table = try store.query(.robustness, where: filter)
    let attacks = try Self.attacks(store)
    var places: [[String]: Int] = [:]
    var firsts: [Int] = []
    func key(_ i: Int) -> [String] {
      ["fingerprint", "dataset", "split"].map { table[i, $0].string ?? "" }
    }
    for i in table.rows.indices where places[key(i)] == nil {
      places[key(i)] = firsts.count
      firsts.append(i)
    }
    let labels = RunSummary.labels(
      ResultTable(columns: table.columns, rows: firsts.map { table.rows[$0] }))
    rows = zip(firsts, labels).map { i, label in
      Row(label: label, fingerprint: key(i)[0], dataset: key(i)[1], split: key(i)[2])
    }
    var threats: Set<ThreatModel> = []
    for i in table.rows.indices {
      guard let threat = Self.threat(table, i), var cell = Self.cell(table, i),
        let place = places[key(i)]
      else { continue }
      let behind = attacks[key(i), default: [:]][threat] ?? []
      cell.attacks = behind.map(\.label)
      cell.weaknesses = Weakness.found(
        in: cell, of: threat, movesImages: (table[i, .lm] ?? table[i, .purify]) != nil,
        attacks: behind)
      rows[place].cells[threat] = cell
      threats.insert(threat)
    }
    self.threats = threats.sorted { a, b in
      let order = AttackConfiguration.Norm.allCases
      func rank(_ t: ThreatModel) -> Int { order.firstIndex(of: t.norm) ?? order.count }
      return (rank(a), a.epsilon) < (rank(b), b.epsilon)
    }
  }

  private static func count(_ table: ResultTable, _ i: Int, _ column: String) -> Int? {
    table[i, column].number.flatMap { Int(exactly: $0.rounded()) }
  }

  private static func threat(_ table: ResultTable, _ i: Int) -> ThreatModel? {
    guard let norm = table[i, .norm].flatMap(AttackConfiguration.Norm.init(rawValue:)),
      let epsilon = table[i, .epsilon]
    else { return nil }
    return ThreatModel(norm: norm, epsilon: epsilon)
  }

  private static func cell(_ table: ResultTable, _ i: Int) -> Cell? {
    func count(_ column: String) -> Int? { Self.count(table, i, column) }
    guard let n = count("n"), n > 0, let accuracy = table[i, .accuracy],
      (0...1).contains(accuracy),
      let verdict = table[i, "verdict"].string.flatMap(Verdict.init(rawValue:))
    else { return nil }
    return Cell(
      n: n, accuracy: accuracy, verdict: verdict, clean: table[i, "clean"].number,
      frozen: table[i, "frozen"].number,
      draws: table[i, "mean_of_draws"].number, oneShot: table[i, "one_shot"].number,
      isRandomized: verdict != .worst && verdict != .shifts,
      partial: count("partial") ?? 0)
  }

  private static func attacks(
    _ store: RunStore
  ) throws -> [[String]: [ThreatModel: [AttackEvidence]]] {
    let table = try store.query(.robustnessAttacks)
    var result: [[String]: [ThreatModel: [AttackEvidence]]] = [:]
    for i in table.rows.indices {
      guard let threat = threat(table, i) else { continue }
      let key = ["fingerprint", "dataset", "split"].map { table[i, $0].string ?? "" }
      func count(_ column: String) -> Int? { Self.count(table, i, column) }
      result[key, default: [:]][threat, default: []].append(
        AttackEvidence(
          label: table[i, .attack] ?? "", name: table[i, "attack_name"].string ?? "",
          noise: table[i, "noise"].string ?? "", steps: count("attack_steps") ?? 1,
          eot: count("eot") ?? 1, gradient: table[i, "gradient"].string ?? "",
          accuracy: table[i, .accuracy] ?? 1, beyond: count("n_beyond") ?? 0))
    }
    return result
  }
}
