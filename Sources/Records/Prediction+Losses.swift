import Basics
import Foundation

extension Prediction {
  /// What raw losses say of one image: the argmax of the ELBOs, as the header weighs the losses.
  ///
  /// ELBO_y = −s·Σ_i w_i·ℓ_iy + ln p(y) over the timesteps that have a strategy weight w_i, ℓ the mean of
  /// the draws, s the logit scale, divided by the number of pixels where the reduction is the mean.
  ///
  /// - Parameters:
  ///   - losses: errors summed over pixels. **Shape** `[draw][timestep][class]` of the timesteps that have
  ///     a strategy weight.
  ///   - position: of the image in the header's inputs.
  ///   - header: what is asked, and how losses are weighed.
  ///   - seconds: wall seconds of the image.
  ///
  /// **Edge cases** A class whose sum is no number has lost; ties go to the lower class. Every loss
  /// counts as one network evaluation: set `nfe` where one evaluation gave several.
  public init(
    weighing losses: [Float], at position: Int, of header: RunHeader, seconds: Double
  ) {
    let c = header.configuration
    let classes = header.classNames.count
    let weights = header.timesteps.compactMap(\.strategyWeight)
    precondition(
      losses.count == c.draws * weights.count * classes,
      "\(losses.count.counted("loss")) for \(c.draws.counted("draw")), \(weights.count.counted("timestep")), \(classes.counted("class"))"
    )
    let pixels = c.reduction == .mean ? Double(header.imageShape.reduce(1, *)) : 1
    let scale = c.logitScale / (pixels * Double(c.draws))
    var sums = [Double](repeating: 0, count: classes)
    for (index, loss) in losses.enumerated() {
      sums[index % classes] += weights[index / classes % weights.count] * Double(loss)
    }
    let elbos = sums.enumerated().map { label, sum in
      let elbo = (c.prior.map { log($0[label]) } ?? 0) - scale * sum
      return elbo.isNaN ? -Double.infinity : elbo
    }
    let predicted = elbos.indices.max { (elbos[$0], -$0) < (elbos[$1], -$1) } ?? 0
    self.init(
      position: position, predicted: predicted,
      correct: predicted == header.inputs[position].label,
      evidence: elbos.enumerated().map { ClassEvidence(label: $0, elbo: $1, lastRound: 0) },
      nfe: losses.count, gradients: 0, seconds: seconds)
    self.losses = .dense(losses)
  }
}
