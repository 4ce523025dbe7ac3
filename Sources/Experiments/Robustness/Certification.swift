import Basics
import Evaluation
import Queries
import Records
import Reporting
import RunStore
import Statistics

/// What randomized smoothing certifies of a run's images, beside what attacks left of the same classifier.
///
/// An image is certified at a radius where the smoothed classifier is right, and provably answers alike
/// everywhere closer than some larger radius; where it abstains it is wrong.
package struct Certification {
  /// Radii around each image, ℓ2, pixel units; 0 where the classifier abstains or is wrong.
  package let radii: [Double]
  /// Images where it abstains.
  package let abstentions: Int
  /// Of the same classifier under attacks within ℓ2 balls, by budget.
  package let attacked: [Double: (accuracy: Double, n: Int)]

  /// Radii of the table where none are named.
  package static let usualRadii = "0,0.25,0.5,1"

  /// Radii as they are written; nil where one is no number from 0.
  ///
  /// - Parameter text: numbers with commas between.
  package static func radii(_ text: String) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Fraction.parse(String($0)) }
    let isSound = values.count == parts.count && values.allSatisfy { $0 >= 0 && $0.isFinite }
    return isSound ? values : nil
  }

  /// The request as it is certified: without an attack, on noisy images.
  package static func request(_ request: RunRequest, _ smoothing: Smoothing) -> RunRequest {
    var request = request
    (request.attack, request.inputsRun, request.recordsLosses) = (nil, nil, false)
    request.configuration.smoothing = smoothing
    return request
  }

  /// Reads a run of a smoothed classifier.
  ///
  /// - Throws: `ElbowError` for a run without votes, or under attack.
  package init(of run: RecordedRun, in store: RunStore) throws {
    let table = try store.query(.certificates(of: run.id))
    guard !table.rows.isEmpty else {
      throw ElbowError(
        .missing,
        "run \(run.id) has no votes to certify; name the noise with `sigma`, as 0.25")
    }
    let header = try store.recordedHeader(run.id)
    guard header.attack == nil else {
      throw ElbowError(
        .malformed, "run \(run.id) is under attack; certified is what was recorded of clean images")
    }
    let answers = table.rows.indices.map { i in
      (table[i, "radius"].number ?? 0, table[i, "label"] == table[i, "predicted"])
    }
    radii = answers.map { $1 ? $0 : 0 }
    abstentions = answers.count { $0.0 == 0 }
    var attacked: [Double: (Double, Int)] = [:]
    let threats = try store.query(.robustness)
    for i in threats.rows.indices
    where threats[i, "fingerprint"] == .text(run.fingerprint) && threats[i, .norm] == "l2" {
      guard let epsilon = threats[i, "epsilon"].number, let accuracy = threats[i, .accuracy],
        let n = threats[i, "n"].number.flatMap({ Int(exactly: $0) })
      else { continue }
      attacked[epsilon] = (accuracy, n)
    }
    self.attacked = attacked
  }

  /// Images that are certified beyond a radius.
  package func certified(at radius: Double) -> Int { radii.count { $0 > radius } }

  /// One row a radius: certified accuracy with its interval, and accuracy under attacks of that size.
  package func table(at asked: [Double]) -> ResultTable {
    ResultTable(
      columns: [
        "radius", "n", "certified", "certified_low", "certified_high", "attacked", "n_attacked",
      ],
      rows: asked.map { radius in
        let count = certified(at: radius)
        let interval = WilsonInterval(successes: count, of: radii.count)
        let attack = attacked[radius]
        return [
          .real(radius), .integer(Int64(radii.count)),
          .real(Double(count) / Double(radii.count)), .real(interval.low), .real(interval.high),
          attack.map { .real($0.accuracy) } ?? .null,
          attack.map { .integer(Int64($0.n)) } ?? .null,
        ]
      })
  }

  /// The same for reading, in percent.
  package func summary(at asked: [Double]) -> ResultTable {
    let table = table(at: asked)
    return ResultTable(
      columns: ["radius", "images", "certified % (95 %)", "attacked % (n)"],
      rows: table.rows.indices.map { i in
        func percent(_ column: String) -> String {
          table[i, column].number.map(RunSummary.percent) ?? "–"
        }
        let attacked = table[i, "n_attacked"].number.map {
          "\(percent("attacked")) (\(Int(nearest: $0)))"
        }
        return [
          table.rows[i][0], table.rows[i][1],
          .text(
            "\(percent("certified")) (\(percent("certified_low"))–\(percent("certified_high")))"),
          attacked.map { .text($0) } ?? .null,
        ]
      })
  }
}
