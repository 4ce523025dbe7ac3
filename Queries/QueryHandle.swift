import Basics

/// A query of the catalogue with its parameters: how the program itself asks.
///
/// A handle is to its file what a function's signature is to its body; a test holds each against the
/// file's header. Runs are full ids.
public struct QueryHandle: Hashable, Sendable {
  /// File name without extension.
  public let name: String
  /// Texts of the parameters; what is missing takes the file's default.
  public let values: [String: String]

  /// A handle of any query, as users name them.
  public init(_ name: String, _ values: [String: String] = [:]) {
    (self.name, self.values) = (name, values)
  }

  private static func list(_ texts: [String]) -> String {
    JSONValue.array(texts.map { .string($0) }).canonical
  }
}

// MARK: Runs

extension QueryHandle {
  /// Every run, newest first.
  public static let runs = QueryHandle("runs")
  /// Every run in the trash.
  public static let trash = QueryHandle("trash")
  /// All that is recorded of a run itself.
  public static func run(_ run: String) -> Self { Self("run", ["run": run]) }
  /// The processes that worked on a run.
  public static func sessions(of run: String) -> Self { Self("sessions", ["run": run]) }
  /// A run's noise levels with their weights.
  public static func timesteps(of run: String) -> Self { Self("timesteps", ["run": run]) }
  /// Code and machine of runs.
  public static func provenance(of runs: [String]) -> Self {
    Self("provenance", ["runs": list(runs)])
  }
  /// Runs that were made from the images or losses of others.
  public static func dependants(of runs: [String]) -> Self {
    Self("dependants", ["runs": list(runs)])
  }
  /// Replays of a run's losses.
  public static func replays(of run: String) -> Self { Self("replays", ["run": run]) }
}

// MARK: Images

extension QueryHandle {
  /// One row an image that a run has classified.
  public static func predictions(of run: String) -> Self { Self("predictions", ["run": run]) }
  /// How often a run took one class for another.
  public static func confusion(of run: String) -> Self { Self("confusion", ["run": run]) }
  /// A run's accuracy by class.
  public static func classes(of run: String) -> Self { Self("classes", ["run": run]) }
  /// What each noise level of a run adds to the ELBO.
  public static func evidence(of run: String) -> Self { Self("evidence", ["run": run]) }
  /// The same of one image, for every class.
  public static func evidence(of run: String, image: Int) -> Self {
    Self("evidence-image", ["run": run, "image": "\(image)"])
  }
  /// What a run's attack did, in sums.
  public static func attackSummary(of run: String) -> Self { Self("attack-summary", ["run": run]) }
}

// MARK: Comparison

extension QueryHandle {
  /// Runs on the images that all of them classified, each against the first.
  public static func comparison(of runs: [String]) -> Self {
    Self("comparison", ["runs": list(runs)])
  }
  /// What two runs differ in.
  public static func diff(_ a: String, _ b: String) -> Self { Self("diff", ["a": a, "b": b]) }
  /// The images that two runs answer differently.
  public static func flips(_ a: String, _ b: String) -> Self { Self("flips", ["a": a, "b": b]) }
  /// Two runs on the images that both classified.
  public static func paired(_ a: String, _ b: String) -> Self { Self("paired", ["a": a, "b": b]) }
  /// The same of two runs that have their images in one order.
  public static func pairedInPlace(_ a: String, _ b: String) -> Self {
    Self("paired-in-place", ["a": a, "b": b])
  }
  /// Two configurations under the worst attacks of a threat model.
  public static func pairedRobust(_ a: String, _ b: String, _ threat: ThreatModel) -> Self {
    Self(
      "paired-robust", ["a": a, "b": b, "norm": threat.norm, "epsilon": "\(threat.epsilon)"])
  }
  /// Finished clean runs with accuracy and cost.
  ///
  /// - Parameter threat: of the robust accuracy beside it; nil: none.
  public static func pareto(_ threat: ThreatModel?) -> Self {
    Self(
      "pareto", threat.map { ["norm": $0.norm, "epsilon": "\($0.epsilon)"] } ?? [:])
  }
  /// Accuracy under the worst of all recorded attacks.
  public static let robustness = QueryHandle("robustness")
  /// Accuracy and cost of runs.
  public static func accuracyCost(of runs: [String]) -> Self {
    Self("accuracy-cost", ["runs": list(runs)])
  }
  /// Accuracy under attack by budget.
  public static func accuracyByEpsilon(of runs: [String]) -> Self {
    Self("accuracy-by-epsilon", ["runs": list(runs)])
  }

  /// A norm and a budget, as attacks are recorded with.
  public struct ThreatModel: Hashable, Sendable {
    /// `linf` or `l2`.
    public let norm: String
    /// Budget in pixel units.
    public let epsilon: Double

    /// The threat model as given.
    public init(norm: String, epsilon: Double) { (self.norm, self.epsilon) = (norm, epsilon) }
  }
}

// MARK: Metrics and trainings

extension QueryHandle {
  /// Every training, newest first.
  public static let trainings = QueryHandle("trainings")
  /// Metrics of trainings, thinned to so many points a series.
  public static func trainingCurves(of trainings: [String], points: Int) -> Self {
    Self("training-curves", ["trainings": list(trainings), "points": "\(points)"])
  }
  /// Metrics of runs, thinned to so many points a series.
  public static func metricCurves(of runs: [String], points: Int) -> Self {
    Self("metric-curves", ["runs": list(runs), "points": "\(points)"])
  }
  /// A run's metrics, one row each.
  public static func metricSeries(of run: String) -> Self { Self("metric-series", ["run": run]) }
  /// A run's metrics, one row a point.
  ///
  /// - Parameters:
  ///   - names: of the metrics; none: all.
  ///   - repeated: whether points of steps that were logged again are among them.
  public static func metricPoints(of run: String, names: [String], repeated: Bool) -> Self {
    Self(
      "metric-points", ["run": run, "names": list(names), "repeated": repeated ? "1" : "0"])
  }
}

// MARK: Upkeep

extension QueryHandle {
  /// Whether the file is in good order.
  public static let health = QueryHandle("health")
}
