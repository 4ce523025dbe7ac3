import Attacks
import Networks
import Records

/// The attack whose images a network is trained on: projected gradient ascent on a fixed budget.
package struct TrainingAttack: Sendable {
  /// Threat model's norm.
  package var norm: AttackConfiguration.Norm
  /// Budget in pixel units.
  package var epsilon: Double
  /// Gradient steps.
  package var steps: Int
  /// Size of one.
  package var rate: Double
  /// Where it begins.
  package var start = AttackStart.uniform

  /// An attack from a random start.
  package init(norm: AttackConfiguration.Norm, epsilon: Double, steps: Int, rate: Double) {
    (self.norm, self.epsilon, self.steps, self.rate) = (norm, epsilon, steps, rate)
  }

  /// The attack with another start.
  func starting(_ start: AttackStart) -> TrainingAttack {
    var copy = self
    copy.start = start
    return copy
  }

  /// The attacked image: the cross-entropy of the label is maximized, or with `clean` the divergence
  /// KL(clean ‖ attacked). The steps allocate no memory.
  func image(
    of example: ClassifierTrainer.Example, against session: ResNet.Session, clean: Softmax? = nil
  ) -> [Float] {
    let ball = Ball(around: example.image, norm: norm, epsilon: epsilon)
    var random = example.random
    var current = ball.start(start, &random)
    var next = [Float](repeating: 0, count: current.count)
    var gradient = [Float](repeating: 0, count: current.count)
    var softmax = Softmax(classes: session.classCount)
    for _ in 0..<steps {
      softmax.evaluate(current, session, keeps: true)
      if let clean {
        softmax.setDivergenceSlope(from: clean)
      } else {
        softmax.setEntropySlope(label: example.label)
      }
      softmax.scaleSlopeToOne()
      var pulled = gradient.mutableSpan
      session.pullback(of: softmax.slope.span, into: &pulled)
      var target = next.mutableSpan
      ball.step(from: current.span, along: gradient.span, by: rate, into: &target)
      swap(&current, &next)
    }
    return current
  }
}
