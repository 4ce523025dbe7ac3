import Basics
import Foundation
import GRDB
import Records

/// A run that was asked just what another would be: same configuration, seeds, attack and images.
package struct Precedent: Sendable {
  /// ULID.
  package let id: String
  /// `running`, `finished`, `failed`, `interrupted` or `crashed`.
  package let status: String
  /// Group that it belongs to.
  package let group: String?
  /// Images done.
  package let done: Int
  /// Whether all of its processes ran the code at hand: the same version of Elbow and commit, with the
  /// same uncommitted changes; what is in untracked files is not known.
  package let isSameCode: Bool
}

/// The code at hand, as runs record it.
package struct CurrentCode: Sendable {
  let state: CodeState?

  /// That of this process.
  package init() { state = CodeState.current }

  /// Begins to find it out, beside what else there is to do: git takes a tenth of a second.
  package static func findOut() { Thread.detachNewThread { _ = CodeState.current } }

  /// Whether it has uncommitted changes.
  package var isDirty: Bool { state?.isDirty ?? false }
}

extension RunStore {
  /// The live runs that were asked what `header` asks, newest first.
  ///
  /// Where the header wants losses recorded, only those count that have them.
  ///
  /// - Throws: `ElbowError`.
  package func precedents(of header: RunHeader, code: CurrentCode) throws -> [Precedent] {
    let state = code.state
    let table = try query(
      "precedents",
      [
        "question": try header.question.id(), "commit": state?.commit ?? "-",
        "dirty": code.isDirty ? "1" : "0", "diff": state?.diffSHA256 ?? "-",
        "version": elbowVersion,
      ])
    return table.rows.compactMap { row in
      let cells = Dictionary(uniqueKeysWithValues: zip(table.columns, row))
      guard case .text(let id)? = cells["id"], case .text(let status)? = cells["status"],
        case .integer(let done)? = cells["n_done"],
        cells["records_losses"] == .integer(1) || !header.recordsLosses
      else { return nil }
      var group: String?
      if case .text(let name)? = cells["group"] { group = name }
      return Precedent(
        id: id, status: status, group: group, done: Int(done),
        isSameCode: cells["is_same_code"] == .integer(1))
    }
  }

  /// Seconds of one unit of compute in recorded runs of the same classifier and models on this machine,
  /// with as many threads.
  ///
  /// - Parameters:
  ///   - header: the run.
  ///   - units: of so many evaluations and gradients.
  /// - Returns: nil where there are no such runs.
  /// - Throws: `ElbowError`.
  public func secondsPerUnit(
    of header: RunHeader, units: (_ evaluations: Double, _ gradients: Double) -> Double
  ) throws -> Double? {
    let runs = try query(
      "speeds",
      [
        "classifier": header.configuration.classifier.rawValue,
        "model": header.configuration.model, "lm_model": header.configuration.lmModel ?? "-",
        "precision": header.configuration.precision.rawValue,
        "host": ProcessIdentity.current.host, "threads": "\(header.environment.threads)",
      ])
    var (seconds, compute) = (0.0, 0.0)
    for row in runs.rows {
      guard case .integer(let nfe) = row[3], case .integer(let gradients) = row[4],
        case .real(let time) = row[5]
      else { continue }
      seconds += time
      compute += units(Double(nfe), Double(gradients))
    }
    return seconds > 0 && compute > 0 ? seconds / compute : nil
  }
}
