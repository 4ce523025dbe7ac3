import Basics

/// What a server has of a run that was sent before, or was just begun.
struct MLflowCopy {
  /// A value of a metric, as far as it is compared.
  struct Point: Hashable {
    let step: Int
    /// Infinities as MLflow's databases write them; NaN as no number.
    let value: Double?

    init(_ point: SentRun.Point) {
      step = point.step
      let greatest = Double.greatestFiniteMagnitude
      value = point.value.isNaN ? nil : min(max(point.value, -greatest), greatest)
    }

    /// A point of a history; nil where it is out of form.
    init?(_ point: JSONValue) {
      guard let value = point["value"].measurement else { return nil }
      self.init(
        SentRun.Point(name: "", step: point["step"].integer ?? 0, time: 0, value: value))
    }
  }

  let id: String
  /// Where its files lie, as `mlflow-artifacts:/1/8f…/artifacts`.
  let artifacts: String
  let parameters: [String: String]
  let tags: [String: String]
  /// Names of its metrics.
  let metrics: Set<String>
  /// Digests of its datasets.
  let datasets: Set<String>

  /// - Throws: `ElbowError` where the server names no run.
  init(_ run: JSONValue) throws {
    guard let id = run["info"]["run_id"].text else {
      throw ElbowError(.damaged, "the server answers without a run's id")
    }
    self.id = id
    artifacts = run["info"]["artifact_uri"].text ?? ""
    parameters = run["data"]["params"].pairs
    tags = run["data"]["tags"].pairs
    metrics = Set(run["data"]["metrics"].items.compactMap { $0["key"].text })
    datasets = Set(
      run["inputs"]["dataset_inputs"].items.compactMap { $0["dataset"]["digest"].text })
  }
}
