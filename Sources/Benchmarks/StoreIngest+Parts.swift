import Basics
import Foundation
import Records

extension StoreIngest {
  /// A run of as many images as are asked for, made of a few predictions.
  package struct Template {
    private let header: RunHeader
    private let predictions: [Prediction]

    /// All classes at so many timesteps.
    package init(timesteps: Int) throws {
      let runs = try SyntheticRuns(
        seed: 1, runs: 1, losses: 640 * timesteps, grids: ["linear:0.05:3:\(timesteps)"])
      var plan = runs.plans[0]
      plan.configuration.strategy = "full"
      plan.timesteps = Array(0..<timesteps)
      (plan.attack, plan.replayOf, plan.status) = (nil, nil, "finished")
      header = try runs.header(plan)
      predictions = try runs.predictions(plan)
    }

    package var id: String { header.id }

    package func header(_ images: Int) -> RunHeader {
      var header = header
      header.inputs = (0..<images).map { i in
        var input = header.inputs[i % header.inputs.count]
        input.index = i
        // As images of a dataset are: each another.
        input.sha256 = SHA256.hexDigest(of: "\(i)")
        return input
      }
      return header
    }

    package func prediction(_ position: Int) -> Prediction {
      var prediction = predictions[position % predictions.count]
      prediction.position = position
      return prediction
    }
  }

  /// Seconds that what `prepare` returns takes, and the size of the file that it leaves.
  ///
  /// - Parameter prepare: opens the file of the path that it is given.
  package func timed(_ prepare: (String) throws -> () throws -> Void) throws -> (
    seconds: Double, bytes: Int
  ) {
    let path = folder + "/ingest.db"
    defer { remove(path) }
    let body = try prepare(path)
    let seconds = try ContinuousClock().measure(body) / .seconds(1)
    let bytes = ["", "-wal"].reduce(0) { sum, suffix in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
      return sum + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
    }
    return (seconds, bytes)
  }

  /// Removes a database with its log.
  package func remove(_ path: String) {
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: path + suffix)
    }
  }

  /// A row of the table: medians, and the share of what plain SQLite reaches.
  package func row(
    _ measure: String, _ values: [Double], _ unit: String, _ plain: [Double],
    atLeast least: Double? = nil, share leastShare: Double? = nil, atMost most: Double? = nil,
    _ transaction: String
  ) -> [Cell] {
    let value = median(values)
    let shares = zip(values, plain).map { $0 / $1 }
    let share = median(shares)
    let isMet =
      least.map { value >= $0 } ?? true && most.map { value <= $0 } ?? true
      && leastShare.map { share >= $0 } ?? true
    let goal = [
      least.map { "≥ \(Int($0))" }, leastShare.map { "share ≥ \($0)" }, most.map { "≤ \($0)" },
    ].compactMap(\.self).joined(separator: ", ")
    return [
      .text(measure), .real(rounded(value)), .text(unit), .real(rounded(median(plain))),
      .real(rounded(share)), .text(goal), .text(isMet ? "yes" : "no"),
      .text(transaction),
    ]
  }

  package func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// To three digits, or a whole number.
  package func rounded(_ value: Double) -> Double {
    guard value > 0, value < 1000 else { return value.rounded() }
    let scale = pow(10, 2 - log10(value).rounded(.down))
    return (value * scale).rounded() / scale
  }
}
