import Basics
import Foundation

/// What 0 and 1 of an image stand for, in the unit that its values were measured in.
public struct ValueLimits: Codable, Hashable, Sendable {
  /// What 0 is.
  public var low: Double
  /// What 1 is.
  public var high: Double

  /// The limits as given.
  public init(low: Double, high: Double) { (self.low, self.high) = (low, high) }

  /// Units from 0 to 1.
  public var span: Double { high - low }

  /// Of a recorded request; nil where its values had no other unit.
  public init?(recordedRequest json: String) {
    struct Request: Decodable {
      var limits: ValueLimits?
    }
    let request = try? JSONDecoder().decode(Request.self, from: Data(json.utf8))
    guard let limits = request?.limits else { return nil }
    self = limits
  }

  /// As `from -2.43 to 2.87 of the data's unit are 0 to 1: ε 0.1 is 0.53`.
  ///
  /// - Parameter budget: an attack whose ε is said in the data's unit as well.
  public func text(budget: AttackConfiguration? = nil) -> String {
    func short(_ value: Double) -> String { String(format: "%.3g", value) }
    let epsilon = budget.flatMap { attack in
      attack.norm.isBall ? ": ε \(short(attack.epsilon)) is \(short(attack.epsilon * span))" : nil
    }
    return "from \(short(low)) to \(short(high)) of the data's unit are 0 to 1"
      + (epsilon ?? "")
  }
}
