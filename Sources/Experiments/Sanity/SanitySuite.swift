import Attacks
import Basics
import Evaluation
import Records
import RunStore

/// The runs that tell whether an attack on a configuration can be believed, from one request.
///
/// All of them attack the same images. Where the classifier draws noise the attacker knows it, so that
/// runs differ in what they try and in nothing else; one run has noise of its own.
///
/// **Source** Carlini et al. 2019 (arXiv 1902.06705), section 4; Athalye et al. 2018
/// (arXiv 1802.00420), section 3.1.
package struct SanitySuite {
  /// What a run of the suite is for.
  package enum Part: Hashable, Sendable {
    /// One step.
    case oneStep
    /// So many iterations.
    case steps(Int)
    /// The budget in grey levels, as many iterations as the base.
    case budget(Double)
    /// Uniform noise within the budget.
    case noise
    /// Queries alone.
    case queries
    /// The base, with noise of the attacker's own.
    case fresh
  }

  /// The request that is judged, with its attack: iterative, in a ball.
  package let base: RunRequest
  /// What is run, in order.
  package let parts: [(part: Part, request: RunRequest)]

  /// Iterations that are held against each other.
  package static let ladder = [10, 20, 50, 100]
  /// Iterations of the base.
  package static let baseSteps = 100
  /// Budgets in grey levels of 1/255.
  package static let budgets = [2, 4, 8, 16, 25.5, 76.5, 127.5]

  /// The suite of a request.
  ///
  /// - Parameters:
  ///   - request: its attack names norm and budget; without one ℓ∞ 8/255.
  ///   - queries: looks of the attacks without gradients.
  /// - Throws: `ElbowError` where the attack's budget is no ball in pixel space.
  package init(_ request: RunRequest, queries: Int) throws {
    let asked = request.attack
    if let asked, !asked.norm.isBall {
      throw ElbowError(
        .malformed,
        "the checks are of attacks within linf or l2, not \(asked.norm.rawValue)")
    }
    let isRandomized = request.configuration.isRandomized
    func attack(_ name: String, steps: Int?) throws -> AttackConfiguration {
      var attack = try Attacks.usual(name, norm: asked?.norm ?? .linf)
      attack.epsilon = asked?.epsilon ?? attack.epsilon
      attack.steps = steps ?? attack.steps
      attack.noise = isRandomized ? .frozen : .fresh
      if Attacks.entry(name)?.kind == .gradient {
        (attack.gradient, attack.smoothing) =
          (asked?.gradient ?? .bpda, asked?.smoothing ?? 1)
      }
      return attack
    }
    func with(_ attack: AttackConfiguration) -> RunRequest {
      var request = request
      (request.attack, request.recordsLosses, request.inputsRun) = (attack, false, nil)
      return request
    }
    let name = "apgd-margin"
    let iterative = try attack(name, steps: Self.baseSteps)
    base = with(iterative)
    var parts: [(Part, RunRequest)] = [(.oneStep, with(try attack("fgsm", steps: nil)))]
    for steps in Self.ladder { parts.append((.steps(steps), with(try attack(name, steps: steps)))) }
    if iterative.norm == .linf {
      for budget in Self.budgets {
        var attack = iterative
        attack.epsilon = budget / 255
        parts.append((.budget(budget), with(attack)))
      }
    }
    parts.append((.noise, with(try attack("uniform-noise", steps: queries))))
    parts.append((.queries, with(try attack("square", steps: queries))))
    if isRandomized {
      var attack = iterative
      attack.noise = .fresh
      parts.append((.fresh, with(attack)))
    }
    self.parts = parts
  }

  /// The runs as cells of a sweep.
  package var cells: [SweepCell] {
    parts.map { SweepCell($0.request, [("check", $0.part.name)]) }
  }
}

extension SanitySuite.Part {
  /// As `20 iterations`.
  package var name: String {
    switch self {
    case .oneStep: "one step"
    case .steps(let count): "\(count) iterations"
    case .budget(let levels): "budget \(JSONValue.canonical(number: levels))/255"
    case .noise: "uniform noise"
    case .queries: "queries"
    case .fresh: "fresh noise"
    }
  }
}
