// Classifies two images with two strategies, and compares the two runs.
import Elbow

let session = Session()
let store = try RunStore(CommandLine.arguments[1], for: .write)

func run(_ strategy: String) throws -> String {
  var request = RunRequest()
  request.images = "2"
  request.configuration.grid = "linear:0.2:2:4"
  request.configuration.weights = "snr"
  request.configuration.strategy = strategy
  return try Experiment(request, labels: RunLabels(name: strategy)).run(in: session, into: store).id
}
let runs = [try run("full"), try run("halving:5x2,1x4")]
let pair = try Comparison(runs, in: store).pairs[0]
print(pair.n, pair.deltaInterval.contains(pair.delta), (0...1).contains(pair.pValue))
print(try store.query("runs", columns: ["name", "status", "nfe_per_image"], order: ["name"]).rows)
