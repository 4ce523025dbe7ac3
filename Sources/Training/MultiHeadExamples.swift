import Classifiers
import Datasets
import Foundation
import TensorCore

/// The examples of a distillation: images with noise, and the classes that the teacher is asked for.
public struct MultiHeadExamples: TrainingExamples {
  private let recipe: MultiHeadRecipe
  private let classes: Int
  private var images: TrainingImages

  public var count: Int { images.count }

  /// The examples of `recipe` over `dataset`.
  public init(_ recipe: MultiHeadRecipe, dataset: Dataset) {
    self.recipe = recipe
    classes = dataset.classNames.count
    images = TrainingImages(recipe, dataset: dataset) { $0 / 127.5 - 1 }
  }

  public mutating func batch(at step: Int) -> [MultiHeadTrainer.Example] {
    (0..<recipe.batch).map { place in
      example(images.draw(step: step, place: place), asked: recipe.teacherClasses ?? classes)
    }
  }

  /// The held-out images, the teacher being asked for every class.
  public var validation: [MultiHeadTrainer.Example] {
    images.heldOut.map { example(images.validation($0), asked: classes) }
  }

  private func example(_ draw: TrainingImages.Draw, asked: Int) -> MultiHeadTrainer.Example {
    var random = draw.random
    var noise = [Float](repeating: 0, count: draw.pixels.count + 1)
    var span = noise.mutableSpan
    random.gaussians(into: &span)
    let z = Double(noise.removeLast())
    let label = images.label(draw.index)
    let others = random.classes(asked - 1, of: classes, except: label)
    return MultiHeadTrainer.Example(
      image: draw.pixels, label: label,
      sigma: NoiseGrid.bounded(exp(recipe.sigmaMean + recipe.sigmaDeviation * z)), noise: noise,
      asked: ([label] + others).sorted())
  }
}
