import Basics

/// Randomized smoothing, in one word: `TAU:SELECTION:DRAWS`, as `0.25:100:1000`.
///
/// An image's class is the one that the classifier answers most often on the image with Gaussian noise.
public struct Smoothing: Hashable, Sendable, Spelled {
  /// Standard deviation τ of the noise, pixel units.
  public var deviation: Double
  /// Draws that choose the class whose share is bounded, n₀.
  public var selection: Int
  /// Draws that answer, and that bound the share, n.
  public var draws: Int

  /// The usual numbers of draws.
  ///
  /// **Source** Cohen et al. 2019 (arXiv 1902.02918), section 4, with a hundredth of its draws for
  /// classifiers that take hundreds of evaluations each.
  public init(deviation: Double, selection: Int = 100, draws: Int = 1000) {
    (self.deviation, self.selection, self.draws) = (deviation, selection, draws)
  }

  /// How it is written.
  public static let usage = "TAU or TAU:SELECTION:DRAWS"

  /// Canonical spelling, as `0.25:100:1000`.
  public var spelling: String {
    "\(JSONValue.canonical(number: deviation)):\(selection):\(draws)"
  }

  /// Reads a spelling; τ may be a fraction as 64/255.
  ///
  /// - Throws: `ElbowError` where it is not of the form.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 1 || parts.count == 3, let deviation = Fraction.parse(parts[0]),
      deviation > 0, deviation <= 1000
    else {
      throw ElbowError(
        .malformed,
        "randomized smoothing '\(text)' is not of the form \(Self.usage), as 0.25 or 0.25:100:1000, "
          + "with TAU in pixel units")
    }
    self.init(deviation: deviation)
    guard parts.count == 3 else { return }
    let most = 1_000_000
    guard let selection = Int(parts[1]), let draws = Int(parts[2]), (1...most).contains(selection),
      (1...most).contains(draws)
    else {
      throw ElbowError(
        .malformed, "randomized smoothing '\(text)' needs 1 to \(most) draws, twice")
    }
    (self.selection, self.draws) = (selection, draws)
  }
}
