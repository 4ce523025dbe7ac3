import Basics

/// A query of the catalogue with its parameters: how the program itself asks.
///
/// A handle is to its file what a function's signature is to its body; a test holds each against the
/// file's header. Runs are full ids.
package struct QueryHandle: Hashable, Sendable {
  /// File name without extension.
  package let name: String
  /// Texts of the parameters; what is missing takes the file's default.
  package let values: [String: String]

  /// A handle of any query, as users name them.
  package init(_ name: String, _ values: [String: String] = [:]) {
    (self.name, self.values) = (name, values)
  }

  private static func list(_ texts: [String]) -> String {
    JSONValue.array(texts.map { .string($0) }).canonical
  }
}

// MARK: Runs

extension QueryHandle {
  /// Every run, newest first.
  package static let runs = QueryHandle("runs")
  /// Every group of runs, the last begun first.
  package static let groups = QueryHandle("groups")
  /// Every run in the trash.
  package static let trash = QueryHandle("trash")
  /// All that is recorded of a run itself.
  package static func run(_ run: String) -> Self { Self("run", ["run": run]) }
  /// The processes that worked on a run.
  package static func sessions(of run: String) -> Self { Self("sessions", ["run": run]) }
  /// What was changed in the code of a run's processes since its commit.
  package static func codeChanges(of run: String) -> Self { Self("code-changes", ["run": run]) }
  /// A run's noise levels with their weights.
  package static func timesteps(of run: String) -> Self { Self("timesteps", ["run": run]) }
  /// Code and machine of runs.
  package static func provenance(of runs: [String]) -> Self {
    Self("provenance", ["runs": list(runs)])
  }
  /// Runs that were made from the images or losses of others.
  package static func dependants(of runs: [String]) -> Self {
    Self("dependants", ["runs": list(runs)])
  }
  /// What in a run's rows contradicts the rest of them.
  package static func inconsistencies(of run: String) -> Self {
    Self("inconsistencies", ["run": run])
  }
  /// Replays of a run's losses.
  package static func replays(of run: String) -> Self { Self("replays", ["run": run]) }
}

// MARK: Images

extension QueryHandle {
  /// One row an image that a run has classified.
  package static func predictions(of run: String) -> Self { Self("predictions", ["run": run]) }
  /// A run's ELBO of every image and class.
  package static func classELBOs(of run: String) -> Self { Self("class-elbos", ["run": run]) }
  /// Votes of randomized smoothing, and the radius around each image.
  package static func certificates(of run: String) -> Self { Self("certificates", ["run": run]) }
  /// How often a run took one class for another.
  package static func confusion(of run: String) -> Self { Self("confusion", ["run": run]) }
  /// A run's accuracy by class.
  package static func classes(of run: String) -> Self { Self("classes", ["run": run]) }
  /// What each noise level of a run adds to the ELBO.
  package static func evidence(of run: String) -> Self { Self("evidence", ["run": run]) }
  /// The same of one image, for every class.
  package static func evidence(of run: String, image: Int) -> Self {
    Self("evidence-image", ["run": run, "image": "\(image)"])
  }
  /// How many images each attack of a run with several broke.
  package static func brokenBy(of run: String) -> Self { Self("broken-by", ["run": run]) }
  /// What a run's attack did, in sums.
  package static func attackSummary(of run: String) -> Self { Self("attack-summary", ["run": run]) }
}

// MARK: Comparison

extension QueryHandle {
  /// Runs on the images that all of them classified, each against the first.
  package static func comparison(of runs: [String]) -> Self {
    Self("comparison", ["runs": list(runs)])
  }
  /// What two runs differ in.
  package static func diff(_ a: String, _ b: String) -> Self { Self("diff", ["a": a, "b": b]) }
  /// The images that two runs answer differently.
  package static func flips(_ a: String, _ b: String) -> Self { Self("flips", ["a": a, "b": b]) }
  /// Two runs on the images that both classified.
  package static func paired(_ a: String, _ b: String) -> Self { Self("paired", ["a": a, "b": b]) }
  /// The answers of runs, right or wrong, each run's as one text.
  package static func answers(of runs: [String]) -> Self { Self("answers", ["runs": list(runs)]) }
  /// Pairs of configurations under the worst attacks of a threat model, those that share images.
  package static func pairedRobust(_ pairs: [(String, String)], _ threat: ThreatModel) -> Self {
    let texts = pairs.map { JSONValue.array([.string($0.0), .string($0.1)]) }
    return Self(
      "paired-robust-each",
      [
        "pairs": JSONValue.array(texts).canonical, "norm": threat.norm,
        "epsilon": "\(threat.epsilon)",
      ])
  }
  /// Finished clean runs with accuracy and cost.
  ///
  /// - Parameters:
  ///   - threat: of the robust accuracy beside it; nil: none.
  ///   - measures: columns that not every run has: of repeats one that has them is preferred.
  package static func pareto(_ threat: ThreatModel?, measures: [String] = []) -> Self {
    let norm = threat.map { ["norm": $0.norm, "epsilon": "\($0.epsilon)"] } ?? [:]
    return Self("pareto", norm.merging(["measures": list(measures)]) { $1 })
  }
  /// Norms and budgets that attacks were recorded under.
  package static let threatModels = QueryHandle("threat-models")
  /// Accuracy under the worst of all recorded attacks.
  package static let robustness = QueryHandle("robustness")
  /// The attacks behind it.
  package static let robustnessAttacks = QueryHandle("robustness-attacks")
  /// Attacked runs' images as other runs answer them.
  package static func transfer(of runs: [String]) -> Self {
    Self("transfer", ["runs": list(runs)])
  }
  /// Accuracy and cost of runs.
  package static func accuracyCost(of runs: [String]) -> Self {
    Self("accuracy-cost", ["runs": list(runs)])
  }
  /// Accuracy under attack by budget.
  package static func accuracyByEpsilon(of runs: [String]) -> Self {
    Self("accuracy-by-epsilon", ["runs": list(runs)])
  }

  /// A norm and a budget, as attacks are recorded with.
  package struct ThreatModel: Hashable, Sendable {
    /// `linf` or `l2`.
    package let norm: String
    /// Budget in pixel units.
    package let epsilon: Double

    /// The threat model as given.
    package init(norm: String, epsilon: Double) { (self.norm, self.epsilon) = (norm, epsilon) }
  }
}

// MARK: Metrics and trainings

extension QueryHandle {
  /// Every training, newest first.
  package static let trainings = QueryHandle("trainings")
  /// Metrics of trainings, thinned to so many points a series.
  package static func trainingCurves(of trainings: [String], points: Int) -> Self {
    Self("training-curves", ["trainings": list(trainings), "points": "\(points)"])
  }
  /// Metrics of runs, thinned to so many points a series.
  package static func metricCurves(of runs: [String], points: Int) -> Self {
    Self("metric-curves", ["runs": list(runs), "points": "\(points)"])
  }
  /// A run's metrics, one row each.
  package static func metricSeries(of run: String) -> Self { Self("metric-series", ["run": run]) }
  /// A run's metrics, one row a point.
  ///
  /// - Parameters:
  ///   - names: of the metrics; none: all.
  ///   - repeated: whether points of steps that were logged again are among them.
  package static func metricPoints(of run: String, names: [String], repeated: Bool) -> Self {
    Self(
      "metric-points", ["run": run, "names": list(names), "repeated": repeated ? "1" : "0"])
  }
}

// MARK: Upkeep

extension QueryHandle {
  /// Whether the file is in good order.
  package static let health = QueryHandle("health")
}
