import Datasets
import Foundation
import TensorCore

/// The examples of a diffusion training: which image, how augmented, with which noise, at every
/// place of every step. A pure function of recipe, images and place, so that a resumed training
/// sees what an undisturbed one would have.
///
/// Counter words of the random stream: what for (1 order, 2 example, 3 validation), then epoch or
/// step, then the place in the batch.
public struct DiffusionExamples: Sendable {
  private let recipe: DiffusionRecipe
  private let dataset: Dataset
  private var order: (epoch: Int, images: [Int])?

  /// Images learnt from.
  public var count: Int { dataset.count - recipe.heldOut }

  /// The examples of `recipe` over `dataset`.
  public init(_ recipe: DiffusionRecipe, dataset: Dataset) {
    self.recipe = recipe
    self.dataset = dataset
  }

  /// The batch of a step.
  public mutating func batch(at step: Int) -> [DiffusionTrainer.Example] {
    (0..<recipe.batch).map { place in
      let index = image(at: step * recipe.batch + place)
      var random = stream(2, step, place)
      let flips = recipe.flip && random.uniform() < 0.5
      let reach = 2 * recipe.shift + 1
      let dx = Int(random.uniform() * Double(reach)) - recipe.shift
      let dy = Int(random.uniform() * Double(reach)) - recipe.shift
      let drops = random.uniform() < recipe.labelDropout
      return example(
        augmented(index, flips: flips, dx: dx, dy: dy),
        label: drops ? nil : Int(dataset.labels[index]), &random)
    }
  }

  /// The held-out images with their labels, each always with the same noise.
  public var validation: [DiffusionTrainer.Example] {
    (count..<dataset.count).map { index in
      var random = stream(3, 0, index)
      return example(
        augmented(index, flips: false, dx: 0, dy: 0), label: Int(dataset.labels[index]), &random)
    }
  }

  private func example(
    _ image: [Float], label: Int?, _ random: inout RandomStream
  ) -> DiffusionTrainer.Example {
    var noise = [Float](repeating: 0, count: image.count + 1)
    var span = noise.mutableSpan
    random.gaussians(into: &span)
    let z = Double(noise.removeLast())
    return DiffusionTrainer.Example(
      image: image, label: label,
      sigma: Float(exp(recipe.sigmaMean + recipe.sigmaDeviation * z)), noise: noise)
  }

  /// The image in [−1, 1] units, moved by (dx, dy) over black.
  private func augmented(_ index: Int, flips: Bool, dx: Int, dy: Int) -> [Float] {
    let shape = dataset.shape
    let source = dataset.image(at: index)
    var result = [Float](repeating: -1, count: shape.count)
    for c in 0..<shape.channels {
      for y in max(dy, 0)..<min(shape.height, shape.height + dy) {
        for x in max(dx, 0)..<min(shape.width, shape.width + dx) {
          let column = flips ? shape.width - 1 - (x - dx) : x - dx
          let place = (c * shape.height + y - dy) * shape.width + column
          result[(c * shape.height + y) * shape.width + x] =
            Float(source[source.startIndex + place]) / 127.5 - 1
        }
      }
    }
    return result
  }

  /// The image at a place of the whole training: each epoch in an order of its own.
  private mutating func image(at place: Int) -> Int {
    let (epoch, rest) = place.quotientAndRemainder(dividingBy: count)
    if let order, order.epoch == epoch { return order.images[rest] }
    var random = stream(1, epoch, 0)
    let images = Array(0..<count).shuffled(using: &random)
    order = (epoch, images)
    return images[rest]
  }

  private func stream(_ purpose: UInt32, _ a: Int, _ b: Int) -> RandomStream {
    RandomStream(
      key: SIMD2(UInt32(truncatingIfNeeded: recipe.seed), UInt32(recipe.seed >> 32)),
      counter: SIMD3(purpose, UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: b)))
  }
}
