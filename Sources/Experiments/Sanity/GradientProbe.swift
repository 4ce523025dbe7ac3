import Attacks
import Basics
import Classifiers
import Datasets
import Evaluation
import Foundation
import Records
import Synchronization
import TensorCore

/// What a classifier's gradients and answers look like around clean images: whether an attack that
/// follows them can be believed.
package struct GradientProbe: Sendable {
  /// Images looked at, all right when clean.
  package private(set) var images = 0
  /// Mean over images of the mean cosine between gradients of two draws; nil where nothing is drawn.
  package private(set) var cosine: Double?
  /// The lowest image's.
  package private(set) var leastCosine: Double?
  /// Share of gradient pixels that are exactly zero.
  package private(set) var zeros = 0.0
  /// Share of images on which five draws give logits that differ.
  package private(set) var differing = 0.0
  /// Share of images with finite logits only.
  package private(set) var finite = 0.0
  /// Share of images whose margin moves further towards error a quarter of the budget along the
  /// gradient than along any of five random directions.
  package private(set) var beatsRandom = 0.0
  /// Share of images whose margin moves towards error at every quarter of the way to the budget's
  /// edge along the gradient.
  package private(set) var rises = 0.0

  private struct Look {
    var cosines: [Double] = []
    var zeros = 0.0
    var differs = false
    var isFinite = true
    var beatsRandom = false
    var rises = false
  }

  /// Looks at the images of a request that are right when clean.
  ///
  /// - Parameters:
  ///   - request: with an attack in a ball.
  ///   - count: images at most.
  /// - Throws: `ElbowError`, and what the classifier throws.
  package init(of request: RunRequest, count: Int, in session: Session) throws {
    let plan = try RunPlan(request, workers: session.workers, files: session.files)
    let inputs = try session.files.inputs(request, of: plan.dataset).prefix(count)
    let looks = Mutex<[Int: Look]>([:])
    let done = Atomic(0)
    try session.workers.forEach(inputs.count) { i, _ in
      if let look = try Self.look(at: inputs[i], plan, request) {
        looks.withLock { $0[i] = look }
      }
      let number = done.wrappingAdd(1, ordering: .relaxed).newValue
      session.watch(WorkUpdate("gradients", number, of: inputs.count, "images"))
    }
    let all = looks.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value)
    images = all.count
    guard !all.isEmpty else { return }
    func share(_ match: (Look) -> Bool) -> Double {
      Double(all.count(where: match)) / Double(images)
    }
    let cosines = all.compactMap { look in
      look.cosines.isEmpty ? nil : look.cosines.reduce(0, +) / Double(look.cosines.count)
    }
    cosine = cosines.isEmpty ? nil : cosines.reduce(0, +) / Double(cosines.count)
    leastCosine = cosines.min()
    zeros = all.reduce(0) { $0 + $1.zeros } / Double(images)
    differing = share(\.differs)
    finite = share(\.isFinite)
    beatsRandom = share(\.beatsRandom)
    rises = share(\.rises)
  }

  /// nil: the image is wrong when clean.
  private static func look(
    at input: InputRecord, _ plan: RunPlan, _ request: RunRequest
  ) throws -> Look? {
    guard let attack = request.attack else { return nil }
    let classifier = plan.classifier
    let image = plan.dataset.pixels(at: input.index)
    let key = ImageKey(dataset: input.dataset, split: input.split, index: input.index)
    let own = NoiseStream(seed: request.seed, owner: .defence)
    guard try classifier.classify(image, key: key, stream: own).predicted == input.label else {
      return nil
    }
    let margin = AttackObjective.untargeted(.margin)
    func slope(_ stream: NoiseStream) throws -> LogitGradient {
      try classifier.gradient(of: image, key: key, stream: stream) {
        margin.value($0, label: input.label).gradient
      }
    }
    func loss(_ image: [Float]) throws -> Double {
      margin.value(
        try classifier.logits(of: image, key: key, stream: own).logits, label: input.label
      ).loss
    }
    var look = Look()
    let known = try slope(own)
    look.zeros = Double(known.gradient.count { $0 == 0 }) / Double(known.gradient.count)
    look.isFinite = known.logits.allSatisfy(\.isFinite)
    if classifier.isRandomized {
      let gradients = try (0..<10).map { draw in
        try slope(NoiseStream(seed: request.attackSeed, owner: .attack(step: 0, eot: draw)))
          .gradient
      }
      for a in gradients.indices {
        for b in 0..<a { look.cosines.append(cosine(gradients[a], gradients[b])) }
      }
    }
    let answers = try (0..<5).map { draw in
      let stream = NoiseStream(seed: request.seed, owner: .redraw(draw))
      return try classifier.logits(of: image, key: key, stream: stream).logits
    }
    look.differs = answers.contains { $0 != answers[0] }
    let ball = Ball(around: image, norm: attack.norm, epsilon: attack.epsilon)
    let line = try (1...4).map { quarter in
      try loss(ball.stepped(image, along: known.gradient, by: attack.epsilon * Double(quarter) / 4))
    }
    let start = try loss(image)
    look.rises = zip([start] + line, line).allSatisfy { $0 < $1 }
    var random = NoiseKey(
      NoiseStream(seed: request.attackSeed, owner: .attack(step: 1, eot: 0)), .start, key
    ).random()
    look.beatsRandom = try (0..<5).allSatisfy { _ in
      var direction = [Float](repeating: 0, count: image.count)
      var span = direction.mutableSpan
      random.gaussians(into: &span)
      return try loss(ball.stepped(image, along: direction, by: attack.epsilon / 4)) < line[0]
    }
    return look
  }

  private static func cosine(_ a: [Float], _ b: [Float]) -> Double {
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for i in a.indices {
      let (x, y) = (Double(a[i]), Double(b[i]))
      (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y)
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
  }
}
