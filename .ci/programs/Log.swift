// Records two runs of a program that is not Elbow, losses and a metric with them, and compares them.
import ElbowAnalysis
import ElbowStore

let store = try RunStore(CommandLine.arguments[1], for: .write)
let weights = SHA256.hexDigest(of: "their weights")
let images = (0..<3).map { "image \($0)" }.enumerated().map {
  InputRecord(dataset: "pets", split: "test", index: $0, label: 0, sha256: SHA256.hexDigest(of: $1))
}
func log(_ name: String, _ losses: [[Float]]) throws -> String {
  var header = RunHeader(
    id: ULID.make(),
    configuration: .init(classifier: .dc, model: weights, grid: "their grid", weights: "their own"),
    model: .init(sha256: weights, name: "theirs", dtype: "F32", parameters: 7, architecture: "{}"),
    seed: 0, classNames: ["cat", "dog"], imageShape: [3, 32, 32], inputs: images,
    timesteps: [.init(index: 0, sigma: 0.5, weight: 4, strategyWeight: 4)])
  header.labels.name = name
  let answers = losses.enumerated().map { Prediction(weighing: $1, at: $0, of: header, seconds: 1) }
  let ending = RunEnding(status: .finished, wallSeconds: 3, cpuSeconds: 3, peakMemory: 1 << 20)
  try store.record(header, answers, ending)
  var metrics = MetricWriter(store, run: header.id)
  try metrics.log(["temperature": 0.5], step: 0)
  return header.id
}
let first = try log("first", [[2, 3], [3, 2], [5, 4]])
let second = try log("second", [[2, 3], [2, 3], [5, 4]])
let pair = try Comparison([first, second], in: store).pairs[0]
print(pair.n, pair.b, pair.c, pair.deltaInterval.contains(pair.delta), pair.pValue)
print(
  try store.query("runs", columns: ["name", "n_correct", "last(temperature)"], order: ["id"]).rows)
