import Basics
import Classifiers
import Records
import TensorCore

extension Replay {
  /// A run and its predictions on some of its images only, as if it had classified no others.
  ///
  /// - Throws: `ElbowError` where no image is left.
  package static func part(
    _ source: RunHeader, _ predictions: [Prediction], where isIncluded: (InputRecord) -> Bool
  ) throws -> (source: RunHeader, predictions: [Prediction]) {
    var (header, kept): (RunHeader, [Prediction]) = (source, [])
    header.inputs = []
    for prediction in predictions where isIncluded(source.inputs[prediction.position]) {
      var moved = prediction
      moved.position = kept.count
      kept.append(moved)
      header.inputs.append(source.inputs[prediction.position])
    }
    guard !kept.isEmpty else {
      throw ElbowError(
        .malformed,
        "run \(source.id) has classified none of the images asked for; choose among its own")
    }
    return (header, kept)
  }

  /// What a learner takes: every image's losses, the means of its draws, `[T, K]`, and its class.
  ///
  /// - Throws: `ElbowError`, naming image and loss, where a loss was not recorded.
  package func samples() throws -> (losses: [[Double]], labels: [Int]) {
    let classes = Array(source.classNames.indices)
    let draws = source.configuration.draws
    var samples: (losses: [[Double]], labels: [Int]) = ([], [])
    for prediction in predictions {
      let recorded = losses(of: prediction)
      var means = [Double](repeating: 0, count: classes.count * source.timesteps.count)
      for draw in 0..<draws {
        let values = try naming(prediction) {
          try recorded.losses(
            classes: classes, timesteps: Array(source.timesteps.indices), draw: draw)
        }
        for i in means.indices { means[i] += Double(values[i]) / Double(draws) }
      }
      samples.losses.append(means)
      samples.labels.append(source.inputs[prediction.position].label)
    }
    return samples
  }

  /// w_i of the source's weights, `[T]`.
  package var gridWeights: [Double] { source.timesteps.map(\.weight) }
}
