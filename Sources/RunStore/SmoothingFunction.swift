import Foundation
import GRDB
import Records
import Statistics

/// The function of Elbow's own connections that turns votes into a radius.
package enum SmoothingFunction {
  /// Makes it on a connection.
  package static func install(in db: Database) { db.add(function: radius) }

  /// `elbow_certified_radius(evidence, smoothing)`: of the chosen class's evidence, ln of its share of the
  /// draws, under a smoothing spelled `0.25:100:1000`. In pixel units; NULL where either is none.
  private static let radius = DatabaseFunction(
    "elbow_certified_radius", argumentCount: 2, pure: true
  ) { arguments in
    guard let text = String.fromDatabaseValue(arguments[1]), let smoothing = try? Smoothing(text)
    else { return nil }
    // A class without evidence has no vote.
    let share = exp(Double.fromDatabaseValue(arguments[0]) ?? -.infinity)
    guard share <= 1 else { return nil }
    return CertifiedRadius.radius(
      votes: Int((share * Double(smoothing.draws)).rounded()), of: smoothing.draws,
      deviation: smoothing.deviation)
  }
}
