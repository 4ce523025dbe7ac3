import Datasets
import TensorCore

/// The images that a training learns from: which one, how augmented, at every place of every step,
/// and the held-out part.
///
/// Counter words of the random stream: what for (1 order, 2 example, 3 validation), then epoch or
/// step, then the place in the batch.
struct TrainingImages: Sendable {
  /// One image of a batch.
  struct Draw {
    /// Index in the split.
    var index: Int
    /// Planar `[C, H, W]`.
    var pixels: [Float]
    /// The rest of the example's random numbers.
    var random: RandomStream
  }

  private let dataset: Dataset
  private let (batch, heldOutCount, flip, shift): (Int, Int, Bool, Int)
  private let seed: UInt64
  /// What each grey value becomes.
  private let values: [Float]
  private var order: (epoch: Int, images: [Int])?

  /// - Parameter value: what a grey value becomes; shifts move in that of 0.
  init(
    _ recipe: some TrainingRecipe, dataset: Dataset, value: (_ grey: Float) -> Float
  ) {
    self.dataset = dataset
    (batch, heldOutCount) = (recipe.batch, recipe.heldOut)
    (flip, shift, seed) = (recipe.flip, recipe.shift, recipe.seed)
    values = (0..<256).map { value(Float($0)) }
  }

  /// Images learnt from.
  var count: Int { dataset.count - heldOutCount }
  /// Indices of the held-out images.
  var heldOut: Range<Int> { count..<dataset.count }

  /// True class of an image.
  func label(_ index: Int) -> Int { Int(dataset.labels[index]) }

  /// The image at a place of a step's batch.
  mutating func draw(step: Int, place: Int) -> Draw {
    let index = image(at: step * batch + place)
    var random = stream(2, step, place)
    let flips = flip && random.uniform() < 0.5
    let reach = 2 * shift + 1
    let dx = Int(random.uniform() * Double(reach)) - shift
    let dy = Int(random.uniform() * Double(reach)) - shift
    return Draw(index: index, pixels: pixels(index, flips: flips, dx: dx, dy: dy), random: random)
  }

  /// A held-out image as it is, with randomness that is always the same.
  func validation(_ index: Int) -> Draw {
    Draw(
      index: index, pixels: pixels(index, flips: false, dx: 0, dy: 0),
      random: stream(3, 0, index))
  }

  /// The image moved by (dx, dy) over black.
  private func pixels(_ index: Int, flips: Bool, dx: Int, dy: Int) -> [Float] {
    let shape = dataset.shape
    let source = dataset.image(at: index)
    var result = [Float](repeating: values[0], count: shape.count)
    for c in 0..<shape.channels {
      for y in max(dy, 0)..<min(shape.height, shape.height + dy) {
        for x in max(dx, 0)..<min(shape.width, shape.width + dx) {
          let column = flips ? shape.width - 1 - (x - dx) : x - dx
          let place = (c * shape.height + y - dy) * shape.width + column
          result[(c * shape.height + y) * shape.width + x] =
            values[Int(source[source.startIndex + place])]
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
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)),
      counter: SIMD3(purpose, UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: b)))
  }
}

extension RandomStream {
  /// Different classes, drawn uniformly from all of `count` but `label`; `wanted`, or all there are.
  mutating func classes(_ wanted: Int, of count: Int, except label: Int) -> [Int] {
    // Fisher–Yates, stopped when there are enough.
    var others = (0..<count).filter { $0 != label }
    let drawn = min(wanted, others.count)
    for i in 0..<drawn { others.swapAt(i, Int.random(in: i..<others.count, using: &self)) }
    return Array(others[..<drawn])
  }
}
