import Basics
import Records
import RunStore

/// The configuration of `header`.
package func configuration(_ strategy: String = "full") -> Records.Configuration {
  var c = Records.Configuration(
    classifier: .dc, model: String(repeating: "a", count: 64), grid: "linear:0.1:2:3",
    weights: "edm")
  c.strategy = strategy
  return c
}

/// Of the configuration that tests write into files of older schemas.
package let configurationJSON =
  "{\"classifier\":\"dc\",\"grid\":\"g\",\"model\":\"\(String(repeating: "a", count: 64))\","
  + "\"schema\":1,\"weights\":\"edm\"}"

/// A run of `count` images over three timesteps and two classes.
package func header(
  _ count: Int = 3, strategy: String = "full", attack: AttackConfiguration? = nil
) -> RunHeader {
  var header = RunHeader(
    id: ULID.make(), configuration: configuration(strategy),
    model: ModelRecord(
      sha256: String(repeating: "a", count: 64), name: "small", dtype: "F32", parameters: 7,
      architecture: "{}"),
    seed: 5, classNames: ["cat", "dog"], imageShape: [1, 1, 2],
    inputs: (0..<count).map {
      InputRecord(
        dataset: "pets", split: "test", index: 10 + $0, label: $0 % 2,
        sha256: SHA256.hexDigest(of: "\($0)"))
    },
    timesteps: [0.1, 0.7, 1.4].enumerated().map {
      TimestepRecord(index: $0, sigma: $1, weight: 2, strategyWeight: $0 == 1 ? nil : 3)
    })
  header.labels.name = "first"
  header.labels.tags = ["stage": "final"]
  header.attack = attack
  header.attackSeed = attack == nil ? nil : 9
  return header
}

/// A right or wrong answer with losses of two timesteps and two classes.
package func prediction(_ position: Int, correct: Bool = true) -> Prediction {
  var p = Prediction(
    position: position, predicted: 1, correct: correct,
    evidence: [
      ClassEvidence(label: 0, elbo: nil, lastRound: 0),
      ClassEvidence(label: 1, elbo: -2.5, lastRound: 1),
    ], nfe: 10, gradients: 2, seconds: 0.5)
  p.losses = .dense([1, 2, 3, .infinity])
  return p
}

/// A run that went well.
package let ending = RunEnding(status: .finished, wallSeconds: 1, cpuSeconds: 2, peakMemory: 3)

/// Records a whole run.
@discardableResult
package func record(
  _ header: RunHeader, _ predictions: [Prediction], in store: RunStore
) throws -> RunHeader {
  let writer = RunWriter(store)
  try writer.receive(.started(header))
  for p in predictions { try writer.receive(.predicted(p)) }
  try writer.receive(.ended(ending))
  return header
}
