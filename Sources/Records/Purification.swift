import Basics

/// Purification by a diffusion model before classifying, in one word: `ode:SIGMA:STEPS`,
/// `sde:SIGMA:STEPS`, either with `:DRAWS`, or `denoise:SIGMA`.
public struct Purification: Hashable, Sendable, Spelled {
  /// What brings a diffused image back.
  public enum Process: String, CaseIterable, Sendable {
    /// The probability-flow ODE, by Heun's method.
    case ode
    /// The reverse diffusion, by ancestral sampling.
    case sde
    /// Nothing is added: the image, which has noise of that level already, is denoised once.
    case denoise
  }

  /// What brings the image back.
  public var process: Process
  /// Noise level that it is diffused to, [−1, 1] units.
  public var sigma: Double
  /// Steps back, N; of `denoise` 1.
  public var steps: Int
  /// Ways there and back, each on noise of its own, whose mean is the purified image; of `denoise` 1.
  public var draws: Int

  /// The parameters as given.
  public init(_ process: Process, sigma: Double, steps: Int, draws: Int = 1) {
    (self.process, self.sigma, self.steps, self.draws) = (process, sigma, steps, draws)
  }

  /// What stands where none is given: DiffPure's t* = 0.1 on CIFAR-10 is σ = 0.34 here.
  ///
  /// **Source** Nie et al. 2022 (arXiv 2205.07460), section 5.1; the number of steps is ours.
  public static let usual = Purification(.sde, sigma: 0.34, steps: 10)

  /// How it is written.
  public static let usage = "ode:SIGMA:STEPS[:DRAWS], sde:SIGMA:STEPS[:DRAWS] or denoise:SIGMA"

  /// Canonical spelling, as `sde:0.34:10`.
  public var spelling: String {
    "\(process.rawValue):\(JSONValue.canonical(number: sigma))"
      + (process == .denoise ? "" : ":\(steps)") + (draws == 1 ? "" : ":\(draws)")
  }

  /// Reads a spelling.
  ///
  /// - Throws: `ElbowError` where it is not of the form.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard let process = Process(rawValue: parts[0]),
      (process == .denoise ? 2...2 : 3...4).contains(parts.count),
      let sigma = Double(parts[1]), sigma.isFinite,
      let steps = process == .denoise ? 1 : Int(parts[2]),
      let draws = parts.count == 4 ? Int(parts[3]) : 1
    else {
      throw ElbowError(
        .malformed,
        "purification '\(text)' is not of the form \(Self.usage), as \(Self.usual.spelling)")
    }
    self.init(process, sigma: sigma, steps: steps, draws: draws)
  }
}
