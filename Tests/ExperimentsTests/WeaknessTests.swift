import Experiments
import Testing

/// What a reviewer would ask about the attacks behind a cell.
@Suite struct WeaknessTests {
  private static let linf = Robustness.ThreatModel(norm: .linf, epsilon: 0.1)

  private func cell(
    n: Int = 500, _ accuracy: Double = 0.5, _ verdict: Robustness.Verdict = .worst,
    partial: Int = 0
  ) -> Robustness.Cell {
    Robustness.Cell(
      n: n, accuracy: accuracy, verdict: verdict, isRandomized: verdict != .worst,
      partial: partial)
  }

  private func found(
    _ cell: Robustness.Cell, _ attacks: [AttackEvidence], lm: Bool = false,
    in threat: Robustness.ThreatModel = linf
  ) -> Set<Weakness> {
    Set(Weakness.found(in: cell, of: threat, movesImages: lm, attacks: attacks))
  }

  private func evidence(
    _ name: String, noise: String = "fresh", steps: Int = 100, eot: Int = 1,
    _ accuracy: Double = 0.5
  ) -> AttackEvidence {
    AttackEvidence(
      label: name, name: name, noise: noise, steps: steps, eot: eot, accuracy: accuracy)
  }

  /// The public ensemble on a deterministic classifier leaves nothing to ask.
  @Test func standardIsEnough() {
    #expect(found(cell(), [evidence("standard", steps: 1)]) == [])
  }

  /// An ensemble's iterations are those that were asked for, where it takes them.
  @Test func fewStepsOfAnEnsembleAreFew() {
    #expect(found(cell(), [evidence("apgd-ce+apgd-margin-t", steps: 2)]).contains(.fewSteps))
    #expect(!found(cell(), [evidence("apgd-ce+apgd-margin-t", steps: 100)]).contains(.fewSteps))
    #expect(found(cell(), [evidence("fgsm+square", steps: 1)]).contains(.fewSteps))
  }

  @Test func oneAttackIsNotEnough() {
    #expect(
      found(cell(), [evidence("apgd-margin", steps: 20)])
        == [.fewSteps, .oneLoss, .noTarget, .noQueries])
    // Restarts of it are not another loss; other attacks are.
    #expect(
      found(cell(), [evidence("apgd-margin"), evidence("apgd-t"), evidence("square")]) == [])
    // What others' images do is no attack of its own.
    #expect(
      found(cell(), [evidence("apgd-margin"), evidence("apgd-t", noise: "transfer")])
        == [.oneLoss, .noTarget, .noQueries])
  }

  @Test func randomizedClassifiersAreAskedForMore() {
    let attacks = [evidence("standard", steps: 1)]
    #expect(found(cell(0.5, .oneShot), attacks) == [.oneDraw, .oneShot])
    #expect(found(cell(0.5, .draws), attacks + [evidence("rand", eot: 20)]) == [])
    #expect(found(cell(0.5, .frozen), [evidence("standard", noise: "frozen", steps: 1)]) == [])
    #expect(found(cell(0.5, .frozen), attacks, lm: true).contains(.onlyBPDA))
    var exact = evidence("apgd-ce", noise: "frozen")
    exact.gradient = "exact"
    #expect(!found(cell(0.5, .frozen), attacks + [exact], lm: true).contains(.onlyBPDA))
  }

  @Test func figuresSpeak() {
    let attacks = [evidence("standard", steps: 1)]
    #expect(found(cell(n: 99), attacks) == [.fewImages])
    #expect(found(cell(partial: 1), attacks) == [.notEverywhere])
    #expect(found(cell(), attacks + [evidence("fgsm", steps: 1, 0.52)]) == [.singleStep])
    #expect(found(cell(), attacks + [evidence("fgsm", steps: 1, 0.53)]) == [])
    let half = Robustness.ThreatModel(norm: .linf, epsilon: 0.5)
    #expect(found(cell(0.01), attacks, in: half) == [.beyondReason])
    #expect(found(cell(0), attacks, in: half) == [])
    var noise = evidence("uniform-noise", 0.9)
    noise.beyond = 1
    #expect(found(cell(), attacks + [noise]) == [.escapes])
  }

  /// Where pixels are no ball there is one attack, and nothing to ask of losses.
  @Test func otherThreatsHaveOneAttack() {
    let flow = Robustness.ThreatModel(norm: .flow, epsilon: 0.05)
    #expect(found(cell(), [evidence("stadv")], in: flow) == [])
    let shift = Robustness.ThreatModel(norm: .corruption, epsilon: 3)
    #expect(found(cell(0.5, .shifts), [evidence("blur", steps: 1)], in: shift) == [])
  }

  @Test func lettersTellThemApart() {
    #expect(String(Weakness.allCases.map(\.letter)) == "abcdefghijkl")
  }
}
