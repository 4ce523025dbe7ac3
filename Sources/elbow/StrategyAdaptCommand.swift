import ArgumentParser
import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import Statistics

extension StrategyCommand {
  /// Learns a strategy against the attacks on itself.
  struct Adapt: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Learn a timestep subset against the attacks on itself.",
      usage: """
        elbow strategy adapt <run> --method <method> [--sift <share>] [--rounds <rounds>]
        """,
      discussion: """
        The run is an attacked one of strategy 'full': its attack, budget and images are what is \
        learnt against. A subset is learnt from the whole grid's losses on these images, clean and \
        attacked; it is attacked itself, the whole grid is asked about what broke it, and it is \
        learnt again from these losses too, until an attack on it breaks no more images than the one \
        on the whole grid did. The runs are recorded in the group 'adapt' and not made twice, so \
        that the same command goes on after an interruption. Judge what is learnt on other images, \
        under an attack on itself.

        EXAMPLE:
          elbow run --images 4 --grid log:0.4:1.5:5 --attack fgsm --name whole
          elbow strategy adapt whole --method greedy:2 --rounds 2
        """)

    @Argument(
      help: ArgumentHelp("An attacked run of strategy 'full', with losses.", valueName: "run"))
    var whole: String
    @Option(help: "greedy:COUNT or importance:COUNT.") var method: String
    @Option(
      help: ArgumentHelp(
        """
        Drop classes on the way: the smallest threshold that changes at most this share of the \
        answers.
        """, valueName: "share"))
    var sift: String?
    @Option(help: "Most attacks on what is learnt.") var rounds = 6
    @OptionGroup var moved: MovedData
    @Option(help: "Worker threads (default: all cores).") var threads: Int?
    @Option(help: ArgumentHelp("Interrupt after this time, as 90s, 30m or 2h.")) var budget: String?
    @OptionGroup var database: DatabaseOption
    @OptionGroup var format: FormatOption

    func validate() throws {
      if rounds < 1 { throw ValidationError("--rounds must be positive, got \(rounds)") }
    }

    func run() throws {
      let store = try database.record()
      defer { store.close() }
      let adaptive = try AdaptiveLearning(
        whole, method: method, siftedShare: sift.map(Learn.share), data: moved.data, in: store)
      func carryOut(_ cell: SweepCell) throws -> (run: String, session: Session) {
        let swept = SweptCells(cells: [cell], group: "adapt", threads: threads, budget: budget)
        let (runs, session) = try swept.carryOut(store)
        return (runs[0], session)
      }
      let goal = try AttackedRun(adaptive.whole.header.id, "full", store)
      var tried = [goal]
      var (last, session) = try carryOut(adaptive.clean)
      var learntFrom = [last]
      for round in 1...rounds {
        let learnt = try adaptive.learn(from: learntFrom, in: session, store)
        (last, session) = try carryOut(adaptive.attack(on: learnt.strategy, round: round))
        let attacked = try AttackedRun(last, learnt.strategy, store)
        tried.append(attacked)
        if attacked.right >= goal.right || round == rounds { break }
        (last, session) = try carryOut(adaptive.whole(on: last, round: round))
        learntFrom.append(last)
      }
      let table = Self.table(tried)
      guard format.format == .table else { return try format.write(table) }
      try format.write(Self.readable(table))
      guard let best = tried.dropFirst().max(by: { $0.right < $1.right })
      else { return }
      Output.note(
        best.right >= goal.right
          ? "an attack on \(best.strategy) breaks no more images than on the whole grid"
          : "the best, \(best.strategy), falls short of the whole grid by "
            + (goal.right - best.right).counted("image"))
    }

    private static func table(_ tried: [AttackedRun]) -> ResultTable {
      ResultTable(
        columns: [
          "round", "run", "images", "accuracy", "accuracy_low", "accuracy_high", "nfe_per_image",
          "strategy",
        ],
        rows: tried.enumerated().map { round, run in
          let interval = WilsonInterval(successes: run.right, of: run.images)
          return [
            round == 0 ? .null : .integer(Int64(round)), .text(run.id),
            .integer(Int64(run.images)), .real(Double(run.right) / Double(run.images)),
            .real(interval.low), .real(interval.high), .real(run.evaluations),
            .text(run.strategy),
          ]
        })
    }

    /// Percentages with their intervals, for people.
    private static func readable(_ table: ResultTable) -> ResultTable {
      ResultTable(
        columns: ["round", "run", "images", "attacked % (95 %)", "NFE", "strategy"],
        rows: table.rows.indices.map { row in
          let shares = ["accuracy", "accuracy_low", "accuracy_high"].map {
            table[row, $0].number.map(RunSummary.percent) ?? "–"
          }
          return [
            table[row, "round"],
            .text(String((table[row, .run] ?? "").prefix(RunSummary.shortID))),
            table[row, "images"], .text("\(shares[0]) (\(shares[1])–\(shares[2]))"),
            .text(String(format: "%.1f", table[row, .nfePerImage] ?? 0)), table[row, "strategy"],
          ]
        })
    }
  }

  /// What an attack left of a strategy.
  private struct AttackedRun {
    let id: String
    let strategy: String
    let right: Int
    let images: Int
    let evaluations: Double

    init(_ id: String, _ strategy: String, _ store: RunStore) throws {
      let table = try store.query(.runs, where: .ids([id]))
      guard let right = table.rows.first.flatMap({ _ in table[0, .nCorrect] }),
        let images = table[0, .nDone], let evaluations = table[0, .nfePerImage]
      else { throw ElbowError(.missing, "run \(id) has no answers") }
      (self.id, self.strategy, self.evaluations) = (id, strategy, evaluations)
      (self.right, self.images) = (Int(nearest: right), Int(nearest: images))
    }
  }
}
