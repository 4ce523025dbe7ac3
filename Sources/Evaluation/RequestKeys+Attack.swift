import Attacks
import Basics
import Records

/// What is done to the images.
extension RequestKeys {
  static let attack =
    [
      RequestKey(
        "attack", .attack, usage: "name",
        "none, \(Attacks.names.joined(separator: ", ")); several with + between, each on what is "
          + "left (default: none).",
        choices: ["none"] + Attacks.names
      ) { request, text in
        guard text.text != "none" else { return }
        request.attack = try Attacks.usual(text.text)
      },
      RequestKey(
        "norm", .attack, usage: "name",
        "linf, l2, or that of an attack that has another (default: the attack's).",
        choices: AttackConfiguration.Norm.allCases.map(\.rawValue), need: .attack
      ) { request, text in
        let norm = try text.choice(AttackConfiguration.Norm.self)
        request.attack?.norm = norm
        request.attack?.epsilon = norm.usualEpsilon
      },
      RequestKey(
        "epsilon", .attack, usage: "budget",
        "The attack's budget in pixel units (default: 8/255, for l2 0.5); of a corruption its "
          + "severity, 1 to 5.", need: .attack
      ) { $0.attack?.epsilon = try $1.fraction },
      RequestKey(
        "attack-steps", .attack, usage: "count", "Its iterations (default: the attack's).",
        need: .attack
      ) { $0.attack?.steps = try $1.integer },
      RequestKey(
        "restarts", .attack, usage: "count",
        "Its random starts; the first that breaks a deterministic classifier is the last "
          + "(default: 1).", need: .attack
      ) { $0.attack?.restarts = try $1.integer },
      RequestKey(
        "eot", .attack, usage: "count", "Noise draws averaged at each look (default: 1).",
        need: .attack
      ) { $0.attack?.eot = try $1.integer },
      RequestKey(
        "attack-noise", .attack, usage: "name",
        "Noise that the attacker sees: fresh of its own, or frozen, the defence's (default: fresh).",
        choices: AttackConfiguration.Noise.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.noise = try $1.choice(AttackConfiguration.Noise.self) },
      RequestKey(
        "choice-draws", .attack, usage: "count",
        "Fresh draws by which the final image is chosen among the best five (default: 10 where "
          + "classifier and attacker draw noise, else 0).", need: .attack
      ) { $0.attack?.choiceDraws = try $1.integer },
      RequestKey(
        "redraws", .attack, usage: "count",
        "Fresh draws on which the final image is classified again (default: 10 where the classifier "
          + "draws noise, else 0).", need: .attack
      ) { $0.attack?.redraws = try $1.integer },
      RequestKey(
        "gradient", .attack, usage: "name",
        "How gradients pass likelihood maximization or purification: bpda, exact or smoothed "
          + "(default: bpda).",
        choices: AttackConfiguration.Gradient.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.gradient = try $1.choice(AttackConfiguration.Gradient.self) },
      RequestKey(
        "smoothing", .attack, usage: "tau", "τ of the gradient smoothed (default: 1).",
        need: .attack
      ) { $0.attack?.smoothing = try $1.real },
      RequestKey(
        "negligible", .attack, usage: "share",
        "Share of the largest weight in a gradient below which a class of a diffusion classifier "
          + "costs no backward pass; 0: none is spared (default: 0.001).", need: .attack
      ) { $0.attack?.negligible = try $1.real },
      RequestKey(
        "rivals", .attack, usage: "count",
        "Rival classes of a diffusion classifier whose losses a look asks for, besides those that "
          + "weigh in the objective; every tenth look is at all classes; 0: each is (default: 0).",
        need: .attack
      ) { $0.attack?.rivals = try $1.integer },
      RequestKey(
        "surrogate", .attack, usage: "name",
        "Losses that gradients go through under halving, sift or racing: chosen by the strategy, or "
          + "all that it might have asked for (default: chosen).",
        choices: AttackConfiguration.Surrogate.allCases.map(\.rawValue), need: .attack
      ) { $0.attack?.surrogate = try $1.choice(AttackConfiguration.Surrogate.self) },
      RequestKey(
        "attack-seed", .attack, usage: "seed", "Seed of the attacker's noise (default: 1).",
        need: .attack
      ) { $0.attackSeed = try $1.seed },
    ] + attackParameters

  /// Parameters that only some attacks have, from the table of attacks.
  private static let attackParameters: [RequestKey] = {
    var owners: [(parameter: AttackParameter, attacks: [String])] = []
    for entry in Attacks.entries {
      for parameter in entry.parameters {
        if let known = owners.firstIndex(where: { $0.parameter.name == parameter.name }) {
          owners[known].attacks.append(entry.name)
        } else {
          owners.append((parameter, [entry.name]))
        }
      }
    }
    return owners.map { parameter, attacks in
      RequestKey(
        "attack-\(parameter.name)", .attack, usage: "value",
        "Of \(attacks.joined(separator: ", ")): \(parameter.summary) (default: "
          + "\(JSONValue.canonical(number: parameter.usual))).", need: .attack
      ) { $0.attack?.parameters[parameter.name] = try $1.real }
    }
  }()
}
