import Basics
import Foundation
import Records
import Testing

@Suite struct AttackConfigurationTests {
  private let old =
    #"{"eot":1,"epsilon":0.1,"gradient":"bpda","name":"apgd-ce","norm":"linf","restarts":1,"steps":100}"#

  private func read(_ text: String) throws -> AttackConfiguration {
    try JSONDecoder().decode(AttackConfiguration.self, from: Data(text.utf8))
  }

  /// The text of a request recorded before noise, choice and parameters were fields.
  @Test func oldTextStaysItself() throws {
    let attack = AttackConfiguration(name: "apgd-ce", norm: .linf, epsilon: 0.1)
    #expect(try JSONValue(encoding: attack).canonical == old)
    #expect(try read(old) == attack)
  }

  @Test func missingFieldsHaveTheirDefaults() throws {
    let attack = try read(#"{"name":"fgsm","norm":"l2","epsilon":0.5}"#)
    #expect(attack == AttackConfiguration(name: "fgsm", norm: .l2, epsilon: 0.5))
    #expect(attack.noise == .fresh && attack.choiceDraws == 0 && attack.redraws == 0)
    #expect(attack.negligible == 1e-8 && attack.rivals == 0 && attack.surrogate == .chosen)
    #expect(attack.parameters.isEmpty)
  }

  @Test func newFieldsGoThereAndBack() throws {
    var attack = AttackConfiguration(name: "square", norm: .linf, epsilon: 0.1)
    (attack.noise, attack.choiceDraws, attack.parameters) = (.frozen, 10, ["share": 0.5])
    attack.redraws = 7
    (attack.negligible, attack.rivals, attack.surrogate) = (0, 3, .all)
    let text = try JSONValue(encoding: attack).canonical
    #expect(
      text.contains(#""choice_draws":10"#) && text.contains(#""noise":"frozen""#)
        && text.contains(#""parameters":{"share":0.5}"#) && text.contains(#""redraws":7"#)
        && text.contains(#""negligible":0,"#) && text.contains(#""rivals":3"#)
        && text.contains(#""surrogate":"all""#))
    #expect(try read(text) == attack)
  }

  /// A field of a newer program would change the attack; it is never passed over.
  @Test func unknownFieldsAreRefused() {
    #expect(throws: ElbowError.self) {
      try read(#"{"name":"fgsm","norm":"l2","epsilon":0.5,"colour":1}"#)
    }
  }

  @Test func onlyBallsBoundPixels() {
    #expect(AttackConfiguration.Norm.allCases.filter(\.isBall) == [.linf, .l2])
  }
}

@Suite struct RedrawsTests {
  /// Of classes that are level a wrong one wins: a tie is no majority for the truth.
  @Test(arguments: [
    ([1, 1, 2], 1, 2, 1), ([1, 2, 2], 1, 1, 2), ([1, 2], 1, 1, 2), ([3, 2, 1], 1, 1, 2),
    ([0], 0, 1, 0),
  ])
  func majorities(answers: [Int], label: Int, correct: Int, majority: Int) {
    let redraws = Redraws(answers, label: label)
    #expect(redraws.count == answers.count)
    #expect(redraws.correct == correct && redraws.majority == majority)
  }
}
