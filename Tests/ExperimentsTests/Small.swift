import Basics
import Evaluation
import Experiments
import RunStore
import TestSupport
import Testing

/// Few images, few timesteps: a fraction of a second.
func small(_ images: String = "3", _ values: [String: String] = [:]) throws -> RunRequest {
  var all = ["images": images]
  // What weighs no losses has no grid.
  if values["classifier"] != "cnn" { (all["grid"], all["weights"]) = ("linear:0.2:2:4", "snr") }
  // Draws by which attacks are judged are asked for where they matter.
  if values["attack"] != nil { all.merge(["redraws": "0", "choice-draws": "0"]) { $1 } }
  all.merge(values) { $1 }
  return try RequestKeys.request(all)
}

/// Runs a request to its end.
///
/// - Returns: the run's id.
func run(_ request: RunRequest, in session: Session, _ store: RunStore) throws -> String {
  let outcome = try Experiment(request).run(in: session, into: store)
  #expect(outcome.ending.status == .finished, "\(outcome.ending.error ?? "")")
  return outcome.id
}

/// What a run recorded, ids and times aside, bit by bit.
func rows(_ run: String, _ store: RunStore) throws -> [ResultTable] {
  try [
    "SELECT position, image_index, label, predicted, correct, nfe, gradients FROM predictions",
    "SELECT position, class, format('%!.17g', elbo), last_round FROM class_elbos",
    "SELECT position, hex(\"values\"), hex(places) FROM loss",
    "SELECT timestep, sigma, weight, strategy_weight FROM run_timestep",
    "SELECT position, sha256 FROM adversarial_images",
    "SELECT status, images, seed, fingerprint, accuracy, n_correct, nfe_per_image FROM "
      + "(SELECT *, id AS run_id FROM runs)",
  ].map { try store.readOnly("\($0) WHERE run_id = '\(run)' ORDER BY 1, 2") }
}

/// The message of what `body` throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch { return "\(error)" }
}
