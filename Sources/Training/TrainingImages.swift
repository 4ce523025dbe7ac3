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
  private let wraps: Bool
  private let seed: UInt64
  private let source: Source

  /// The dataset's values as networks learn them.
  private enum Source: Sendable {
    /// Grey values, and what each becomes.
    case grey([UInt8], values: [Float])
    case real([Float])

    @inline(__always)
    subscript(place: Int) -> Float {
      switch self {
      case .grey(let bytes, let values): values[Int(bytes[place])]
      case .real(let numbers): numbers[place]
      }
    }
  }

  /// What shifts move in.
  private let background: Float
  private var order: (epoch: Int, images: [Int])?

  /// - Parameter value: what a grey value becomes; shifts move in that of 0.
  init(
    _ recipe: some TrainingRecipe, dataset: Dataset, value: (_ grey: Float) -> Float
  ) {
    self.dataset = dataset
    (batch, heldOutCount) = (recipe.batch, recipe.heldOut)
    (flip, shift, seed) = (recipe.flip, recipe.shift, recipe.seed)
    wraps = recipe.wrap ?? false
    background = value(0)
    source =
      switch dataset.values {
      case .grey(let bytes): .grey(bytes, values: (0..<256).map { value(Float($0)) })
      case .real(let numbers): .real(numbers.map { value(255 * $0) })
      }
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
    let dy = dataset.dimensions == 1 ? 0 : Int(random.uniform() * Double(reach)) - shift
    return Draw(index: index, pixels: pixels(index, flips: flips, dx: dx, dy: dy), random: random)
  }

  /// A held-out image as it is, with randomness that is always the same.
  func validation(_ index: Int) -> Draw {
    Draw(
      index: index, pixels: pixels(index, flips: false, dx: 0, dy: 0),
      random: stream(3, 0, index))
  }

  /// The image moved by (dx, dy) over black, or so that what leaves at one end comes back at the
  /// other.
  private func pixels(_ index: Int, flips: Bool, dx: Int, dy: Int) -> [Float] {
    let shape = dataset.shape
    let start = index * shape.count
    var result = [Float](repeating: background, count: shape.count)
    if wraps {
      for c in 0..<shape.channels {
        for y in 0..<shape.height {
          let row = start + (c * shape.height + Self.wrapped(y - dy, shape.height)) * shape.width
          for x in 0..<shape.width {
            let column = Self.wrapped(x - dx, shape.width)
            result[(c * shape.height + y) * shape.width + x] =
              source[row + (flips ? shape.width - 1 - column : column)]
          }
        }
      }
      return result
    }
    for c in 0..<shape.channels {
      for y in max(dy, 0)..<min(shape.height, shape.height + dy) {
        for x in max(dx, 0)..<min(shape.width, shape.width + dx) {
          let column = flips ? shape.width - 1 - (x - dx) : x - dx
          let place = (c * shape.height + y - dy) * shape.width + column
          result[(c * shape.height + y) * shape.width + x] =
            source[start + place]
        }
      }
    }
    return result
  }

  private static func wrapped(_ place: Int, _ count: Int) -> Int {
    (place % count + count) % count
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
