import Classifiers
import Datasets
import Foundation
import TensorCore

/// The examples of a diffusion training: which image, how augmented, with which noise, at every
/// place of every step. A pure function of recipe, images and place, so that a resumed training
/// sees what an undisturbed one would have.
public struct DiffusionExamples: TrainingExamples {
  private let recipe: DiffusionRecipe
  private let classes: Int
  private var images: TrainingImages

  public var count: Int { images.count }

  /// The examples of `recipe` over `dataset`.
  public init(_ recipe: DiffusionRecipe, dataset: Dataset) {
    self.recipe = recipe
    classes = dataset.classNames.count
    images = TrainingImages(recipe, dataset: dataset) { $0 / 127.5 - 1 }
  }

  public mutating func batch(at step: Int) -> [DiffusionTrainer.Example] {
    (0..<recipe.batch).map { place in
      var draw = images.draw(step: step, place: place)
      let drops = draw.random.uniform() < recipe.labelDropout
      let label = drops ? nil : images.label(draw.index)
      var example = example(&draw, label: label)
      if let label, recipe.contrast > 0 {
        example.rivals = draw.random.classes(recipe.rivals, of: classes, except: label)
      }
      for _ in 1..<recipe.drawCount {
        var noise = [Float](repeating: 0, count: draw.pixels.count)
        var span = noise.mutableSpan
        draw.random.gaussians(into: &span)
        example.noises.append(noise)
      }
      example.random = draw.random
      return example
    }
  }

  public var validation: [DiffusionTrainer.Example] {
    images.heldOut.map { index in
      var draw = images.validation(index)
      return example(&draw, label: images.label(index))
    }
  }

  private func example(
    _ draw: inout TrainingImages.Draw, label: Int?
  ) -> DiffusionTrainer.Example {
    var noise = [Float](repeating: 0, count: draw.pixels.count + 1)
    var span = noise.mutableSpan
    draw.random.gaussians(into: &span)
    let z = Double(noise.removeLast())
    return DiffusionTrainer.Example(
      image: draw.pixels, label: label,
      sigma: NoiseGrid.bounded(exp(recipe.sigmaMean + recipe.sigmaDeviation * z)),
      noises: [noise])
  }
}
