import Datasets
import TensorCore

/// The examples of a classifier's training: which image, how augmented, with which noise and
/// which random start for its attack. A pure function of recipe, images and place.
public struct ClassifierExamples: TrainingExamples {
  private let batch: Int
  /// Standard deviation, pixel units; 0: none.
  private let noise: Float
  private var images: TrainingImages

  public var count: Int { images.count }

  /// The examples of `recipe` over `dataset`.
  public init(_ recipe: ClassifierRecipe, dataset: Dataset) {
    batch = recipe.batch
    noise = Float(recipe.noise ?? 0)
    images = TrainingImages(recipe, dataset: dataset) { $0 / 255 }
  }

  public mutating func batch(at step: Int) -> [ClassifierTrainer.Example] {
    (0..<batch).map { example(images.draw(step: step, place: $0)) }
  }

  public var validation: [ClassifierTrainer.Example] {
    images.heldOut.map { example(images.validation($0)) }
  }

  private func example(_ draw: TrainingImages.Draw) -> ClassifierTrainer.Example {
    var example = ClassifierTrainer.Example(
      image: draw.pixels, label: images.label(draw.index), random: draw.random)
    guard noise > 0 else { return example }
    var values = [Float](repeating: 0, count: example.image.count)
    var span = values.mutableSpan
    example.random.gaussians(into: &span)
    for i in values.indices { example.image[i] += noise * values[i] }
    return example
  }
}
