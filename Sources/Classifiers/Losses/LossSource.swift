import Networks

/// Answers which raw denoising losses one image has: a live model, or a recorded run.
///
/// A strategy asks; it never learns which kind of source answers.
public protocol LossSource {
  /// Number of classes K.
  var classCount: Int { get }
  /// Whether one network evaluation answers for all classes at a timestep and draw.
  var sharesEvaluations: Bool { get }

  /// Raw errors summed over pixels, before weights and reduction.
  ///
  /// **Shape** `[timesteps.count, classes.count]`, row-major. Diverged losses are +Inf.
  ///
  /// - Parameters:
  ///   - classes: class indices asked for.
  ///   - timesteps: indices into the noise grid.
  ///   - draw: noise draw, from 0.
  /// - Throws: a source's own error, naming the loss that it cannot give.
  func losses(classes: [Int], timesteps: [Int], draw: Int) throws -> [Float]
}

extension LossSource {
  /// Network evaluations that the losses of so many classes at one timestep and draw take.
  func evaluations(classes: Int) -> Int { sharesEvaluations ? min(classes, 1) : classes }
}
