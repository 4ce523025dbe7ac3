import Attacks
import Basics
import Datasets
import Evaluation
import Records
import RunStore

extension Verification {
  /// Computes how far attacked images lie from what they were made from again.
  ///
  /// - Throws: `ElbowError`: what keeps it from being done.
  mutating func checkDistances(
    _ header: RunHeader, _ invocation: String, _ store: RunStore, _ session: Session
  ) throws {
    var request = try RunRequest(recorded: invocation, of: header.id)
    request.move(to: data)
    let recorded = try store.attackedImages(header.id)
    if recorded.isEmpty { return }
    let dataset = try session.files.dataset(request, split: request.split)
    let source = try header.inputsRun.map(store.recordedRun)
    let places = try source.map { try request.places(of: $0.inputs.count) } ?? []
    var missing = 0
    for image in recorded {
      let input = header.inputs[image.position]
      let clean: [Float]
      if let source, source.adversarial[places[image.position]] != nil {
        clean = try store.adversarialImage(run: source.id, position: places[image.position])
      } else if input.index < dataset.count,
        dataset.inputRecord(at: input.index).sha256 == input.sha256
      {
        clean = dataset.pixels(at: input.index)
      } else {
        missing += 1
        continue
      }
      let pixels = try store.adversarialImage(run: header.id, position: image.position)
      let ball = Ball(around: clean, norm: .linf, epsilon: 1)
      for (what, stored, recomputed) in [
        ("attack_linf", image.linf, ball.distanceInfinity(pixels)),
        ("attack_l2", image.l2, ball.distance2(pixels.map(Double.init))),
      ] where !(abs((stored ?? .nan) - recomputed) <= Self.tolerance * max(recomputed, 1)) {
        findings.append(
          Finding(
            run: header.id, position: image.position, image: input.index, "prediction.\(what)",
            stored: stored.map { "\($0)" } ?? "NULL", recomputed: "\(recomputed)"))
      }
    }
    guard missing == 0 else {
      throw ElbowError(
        .missing,
        "\(missing) of the images of \(dataset.name) here are not those that it was given")
    }
  }
}
