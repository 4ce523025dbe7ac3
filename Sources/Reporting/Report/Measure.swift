import Basics

/// What a run is judged by.
package enum Measure: String, CaseIterable, Sendable {
  case accuracy, nfe, gradients, seconds
  case robustAccuracy = "robust-accuracy"
  case cpuSeconds = "cpu-seconds"
  case memory, energy
  case gpuEnergy = "gpu-energy"
  case gpuMemory = "gpu-memory"

  package var isAccuracy: Bool { self == .accuracy || self == .robustAccuracy }

  /// Column of the query `pareto`.
  package var column: String {
    switch self {
    case .accuracy: "accuracy"
    case .robustAccuracy: "robust_accuracy"
    case .nfe: "nfe_per_image"
    case .gradients: "gradients_per_image"
    case .seconds: "seconds_per_image"
    case .cpuSeconds: "cpu_seconds_per_image"
    case .memory: "peak_mebibytes"
    case .energy: "joules_per_image"
    case .gpuEnergy: "gpu_joules_per_image"
    case .gpuMemory: "gpu_peak_mebibytes"
    }
  }

  /// Which runs have it, in words; nil: all that have answers.
  package var condition: String? {
    switch self {
    case .accuracy, .nfe, .gradients: nil
    case .robustAccuracy: "configurations that were attacked so have it"
    case .seconds, .cpuSeconds, .memory: "replays have none, and other programs may not tell it"
    case .energy:
      "it is known where the machine's counters (RAPL) can be read, see 'elbow doctor', or another "
        + "program told it"
    case .gpuEnergy, .gpuMemory: "it is known where an engine or another program told it"
    }
  }

  /// Heading of the column that shows it.
  package var heading: String {
    switch self {
    case .robustAccuracy: "robust % (95 %)"
    case .cpuSeconds: "CPU s/image"
    case .memory: "MiB"
    case .energy: "J/image"
    case .gpuEnergy: "GPU J/image"
    case .gpuMemory: "GPU MiB"
    case .accuracy, .nfe, .gradients, .seconds: RunSummary.heading(of: column)
    }
  }

  /// What its numbers count.
  package var unit: String {
    switch self {
    case .memory: "MiB"
    case .energy: "J"
    case .gpuEnergy: "GPU-J"
    case .gpuMemory: "GPU-MiB"
    case .nfe: "NFE"
    default: rawValue
    }
  }

  /// The measure of a name.
  ///
  /// - Throws: `ElbowError` for an unknown one.
  package static func named(_ name: String) throws -> Measure {
    if let known = Measure(rawValue: name) { return known }
    let names = allCases.map(\.rawValue)
    throw ElbowError(
      .unknownName,
      "no measure '\(name)'; there are \(names.joined(separator: ", "))"
        + didYouMean(name, among: names))
  }
}
