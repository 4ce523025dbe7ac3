import Attacks
import Basics
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

/// Names, parameters and what is refused.
@Suite struct AttackTableTests {
  private let shape = ImageShape(channels: 1, height: 28, width: 28)

  private func refusal(
    _ name: String = "apgd-dlr", norm: AttackConfiguration.Norm = .linf, epsilon: Double = 0.1,
    classes: Int = 10, _ change: (inout AttackConfiguration) -> Void = { _ in }
  ) -> String? {
    var c = AttackConfiguration(
      name: name, norm: norm, epsilon: epsilon, steps: Attacks.entry(name)?.steps ?? 1)
    change(&c)
    do {
      _ = try Attacks.make(c, classCount: classes, shape: shape)
      return nil
    } catch { return "\(error)" }
  }

  @Test func names() {
    #expect(
      Attacks.names == [
        "apgd-ce", "apgd-dlr", "apgd-margin", "pgd-ce", "pgd-dlr", "pgd-margin", "fgsm", "apgd-t",
        "apgd-margin-t", "apgd-lagrange", "fab-t", "square", "cw", "stadv", "rotation-translation",
        "uniform-noise",
        "corruption-noise", "corruption-blur", "corruption-contrast", "corruption-brightness",
        "corruption-jpeg", "corruption-pixelate", "corruption-occlusion", "standard", "rand",
      ])
    #expect(
      Attacks.entries.filter { $0.kind == .shift }.map(\.name)
        == Attacks.names.filter { $0.hasPrefix("corruption-") })
  }

  @Test(arguments: Attacks.names)
  func usualParametersAreAllowed(name: String) throws {
    let entry = try #require(Attacks.entry(name))
    for norm in entry.norms {
      let usual = try Attacks.usual(name, norm: norm)
      #expect(throws: Never.self) { try Attacks.make(usual, classCount: 10, shape: shape) }
    }
    for parameter in entry.parameters {
      var c = try Attacks.usual(name)
      c.parameters[parameter.name] = parameter.range.upperBound + 1
      #expect(throws: ElbowError.self) {
        try Attacks.make(c, classCount: 10, shape: shape)
      }
      c.parameters[parameter.name] = parameter.usual
      #expect(throws: Never.self) { try Attacks.make(c, classCount: 10, shape: shape) }
      #expect(Attacks.canonical(c).parameters.isEmpty)
    }
  }

  @Test func impossibleParametersAreRefused() {
    #expect(refusal() == nil)
    #expect(refusal("apgd-cw")?.contains("did you mean 'apgd-ce'") == true)
    #expect(refusal("standard") == nil)
    #expect(refusal { $0.steps = 0 }?.contains("`attack-steps` must be 1") == true)
    #expect(refusal { $0.restarts = 0 } != nil)
    #expect(refusal { $0.eot = 0 } != nil)
    #expect(refusal { $0.choiceDraws = -1 } != nil)
    #expect(refusal(classes: 2)?.contains("3 classes") == true)
    #expect(refusal("fgsm") { $0.steps = 2 } != nil)
    #expect(refusal("fgsm") { $0.restarts = 2 } != nil)
    #expect(refusal("cw")?.contains("the norm l2, not linf") == true)
    #expect(refusal("apgd-ce") { $0.parameters = ["targets": 3] }?.contains("it has none") == true)
    #expect(
      refusal("apgd-t") { $0.parameters = ["target": 3] }?.contains("mean 'targets'") == true)
    #expect(refusal("apgd-t") { $0.parameters = ["targets": 2.5] }?.contains("whole") == true)
    #expect(refusal { ($0.noise, $0.eot) = (.frozen, 2) } != nil)
    #expect(refusal { $0.noise = .frozen } == nil)
    #expect(refusal { $0.negligible = 1 }?.contains("`negligible` must be") == true)
    #expect(refusal { $0.rivals = -1 }?.contains("`rivals` must be") == true)
    #expect(refusal { ($0.negligible, $0.rivals, $0.surrogate) = (0, 3, .all) } == nil)
    for change: (inout AttackConfiguration) -> Void in [
      { $0.negligible = 0 }, { $0.rivals = 2 }, { $0.surrogate = .all },
    ] {
      var square = AttackConfiguration(name: "square", norm: .linf, epsilon: 0.1)
      change(&square)
      #expect(throws: ElbowError.self) {
        try Attacks.make(
          square, classCount: 10, shape: ImageShape(channels: 1, height: 4, width: 4))
      }
    }
    #expect(refusal { $0.smoothing = 3 }?.contains("needs `gradient` smoothed") == true)
    #expect(refusal { ($0.gradient, $0.smoothing) = (.smoothed, 3) } == nil)
    #expect(refusal("square") { $0.gradient = .exact }?.contains("no gradient") == true)
  }

  /// Errors of a library name fields; how they are typed is the terminal's affair.
  @Test func messagesHaveNoDashes() {
    for message in [
      refusal(epsilon: 8), refusal { $0.steps = 0 }, refusal("fgsm") { $0.restarts = 2 },
    ] { #expect(message?.contains("--") == false) }
  }

  @Test(arguments: [
    (AttackConfiguration.Norm.linf, 1.0, "8/255"), (.l2, 28, "8/255"), (.flow, 2, "0.05"),
  ])
  func budgetsBeyondThePixelRangeAreRefused(
    norm: AttackConfiguration.Norm, most: Double, usual: String
  ) {
    #expect(norm.problem(epsilon: most, shape) == nil)
    for epsilon in [most.nextUp, 255, 0, -0.1, .nan, .infinity] {
      let problem = norm.problem(epsilon: epsilon, shape)
      #expect(problem?.contains("epsilon") == true && problem?.contains(usual) == true)
    }
    #expect(AttackConfiguration.Norm.corruption.problem(epsilon: 2.5, shape) != nil)
  }

  @Test func ensemblesAreThePublishedOnes() throws {
    let entries = try ["standard", "rand"].map { try #require(Attacks.entry($0)) }
    #expect(entries[0].members.map(\.name) == ["apgd-ce", "apgd-t", "fab-t", "square"])
    #expect(entries[0].members.map(\.steps) == [100, 100, 100, 5000])
    #expect(entries[1].members.map(\.name) == ["apgd-ce", "apgd-dlr"])
    #expect(try Attacks.usual("rand").eot == 20)
    #expect(try Attacks.usual("standard").eot == 1)
    var attack = try Attacks.usual("standard", norm: .l2)
    let made = try Attacks.make(attack, classCount: 10, shape: shape)
    #expect(made.members.map(\.name) == entries[0].members.map(\.name))
    #expect(made.members.map { ($0.attack as? APGD)?.steps }[0] == 100)
    #expect(made.members.compactMap { ($0.attack as? Square)?.queries } == [5000])
    attack.steps = 7
    #expect(throws: ElbowError.self) { try Attacks.make(attack, classCount: 10, shape: shape) }
    let flow = try Attacks.usual("standard", norm: .flow)
    #expect(throws: ElbowError.self) { try Attacks.make(flow, classCount: 10, shape: shape) }
  }

  /// Names with + between them are attacked in turn; steps are chosen where all have as many.
  @Test func attacksAreJoined() throws {
    let entry = try #require(Attacks.entry("apgd-margin+apgd-ce"))
    #expect(entry.members.map(\.name) == ["apgd-margin", "apgd-ce"] && entry.steps == 100)
    var attack = try Attacks.usual("apgd-margin+apgd-ce")
    attack.steps = 7
    let made = try Attacks.make(attack, classCount: 10, shape: shape)
    #expect(made.members.allSatisfy { ($0.attack as? APGD)?.steps == 7 })
    for name in [
      "apgd-ce+", "+apgd-ce", "apgd-ce+apgd-ce", "apgd-ce+standard", "apgd-ce+blur",
      "apgd-ce+stadv", "apgd-ce+nothing",
    ] {
      #expect(Attacks.entry(name) == nil, "\(name)")
    }
  }

  /// Whatever the attack: the final image is in the threat model and in [0, 1], one seed makes one
  /// image, cost and distances are those of what was done.
  @Test(arguments: Attacks.names)
  func everyAttackStaysInsideAndRepeatsItself(name: String) throws {
    let image = (0..<12).map { Float([10, 128, 200, 255, 0, 77][$0 % 6]) / 255 }
    let entry = try #require(Attacks.entry(name))
    for norm in entry.norms {
      for jitter in [0, 0.3] {
        let classifier = LinearClassifier(jitter: jitter)
        var c = try Attacks.usual(name, norm: norm)
        if entry.steps != nil { c.steps = 20 }
        if norm.isBall { c.epsilon = 8.0 / 255 }
        c.choiceDraws = 10
        let attack = try Attacks.make(c, classCount: 4, shape: classifier.shape)
        func run(_ seed: UInt64) throws -> AttackResult {
          try attack.perturb(
            image, label: classifier.label(of: image), key: LinearClassifier.key, seed: seed,
            defence: LinearClassifier.stream, against: classifier)
        }
        let (first, again) = try (run(1), run(1))
        #expect(first.image == again.image)
        #expect(first.image.allSatisfy { (0...1).contains($0) })
        let differences = zip(first.image, image).map { pixel, clean in
          (Double(pixel) - (Double(clean) * 255).rounded() / 255).magnitude
        }
        let length = differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(first.linf == differences.max() && abs(first.l2 - length) < 1e-12)
        if norm == .linf { #expect(first.linf <= c.epsilon) }
        if norm == .l2 { #expect(first.l2 <= c.epsilon) }
        #expect((first.cost.evaluations > 0) == (entry.kind != .shift))
        #expect((first.cost.gradients > 0) == (entry.kind == .gradient))
        #expect((first.zeroGradientShare != nil) == (entry.kind == .gradient))
      }
    }
  }
}
