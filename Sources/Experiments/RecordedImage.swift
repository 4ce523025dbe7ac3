import Basics
import Classifiers
import Evaluation
import Foundation
import Records
import RunStore
import TensorCore

/// An image of a recorded run, with the run's classifier made again from its files.
package struct RecordedImage {
  /// The run.
  package let header: RunHeader
  /// Its request, resolved again.
  package let plan: RunPlan
  /// The image.
  package let input: InputRecord
  /// Position in the run.
  package let position: Int
  private let run: RecordedRun

  /// Finds the run that `prefix` names, and an image in it by its index in the split.
  ///
  /// - Parameters:
  ///   - prefix: names the run.
  ///   - image: index in the split.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - workers: whose threads the classifier uses.
  ///   - store: where the run is recorded.
  /// - Throws: `ElbowError` where the run has no such image, is a replay, was computed by an engine, or
  ///   is of files that have changed since.
  package init(
    _ prefix: String, image: Int, data: String? = nil, workers: WorkerPool, _ store: RunStore
  ) throws {
    run = try store.recordedRun(prefix)
    let index = run.inputs.firstIndex { $0.index == image }
    guard let index else {
      throw ElbowError(
        .unknownName,
        "run \(run.id) has no image \(image); its images stand in the view 'predictions'")
    }
    (position, input) = (index, run.inputs[index])
    header = try store.recordedHeader(run.id)
    if let source = header.replayOf {
      throw ElbowError(
        .malformed,
        "run \(run.id) is a replay and has no network; name the run it replays, \(source)")
    }
    var request = try RunRequest(recorded: run.invocation, of: run.id)
    request.move(to: data)
    guard request.engineSHA256 == nil else {
      throw ElbowError(
        .conflict,
        "run \(run.id) was computed by an engine, and a command that stands in a file is not started"
      )
    }
    plan = try RunPlan(request, workers: workers)
    guard try plan.configuration.fingerprint() == run.fingerprint else {
      throw ElbowError(
        .malformed,
        "the model or training images of run \(run.id) are no longer what they were; put the old "
          + "files back")
    }
    try check()
  }

  /// That the dataset's files are still what they were, before a network sees what they are not.
  private func check() throws {
    let (dataset, shape) = (plan.dataset, plan.dataset.shape)
    let isOfIt =
      (0..<dataset.count).contains(input.index) && dataset.classNames == header.classNames
      && header.imageShape == [shape.channels, shape.height, shape.width]
      && dataset.classNames.indices.contains(input.label)
    // The recorded hash is of the image as the run was given it, which an attack may have made.
    guard
      isOfIt, run.inputsRun != nil || dataset.inputRecord(at: input.index).sha256 == input.sha256
    else {
      throw ElbowError(
        .damaged,
        "image \(input.index) of \(input.dataset) \(input.split) is no longer what it was")
    }
  }

  /// Names the image for the noise.
  package var key: ImageKey {
    ImageKey(dataset: input.dataset, split: input.split, index: input.index)
  }

  /// The stream of recorded predictions.
  package var stream: NoiseStream { NoiseStream(seed: header.seed, owner: .defence) }

  /// The image as it was given to the run: what another run's attack had made of it, where the run
  /// was given that.
  ///
  /// - Throws: what the store throws.
  package func given(_ store: RunStore) throws -> [Float] {
    if let source = try run.inputsRun.map(store.recordedRun), let place = source.place(of: input),
      source.adversarial[place] != nil
    {
      return try store.adversarialImage(run: source.id, position: place)
    }
    return plan.dataset.pixels(at: input.index)
  }

  /// The image as the run finally classified it.
  ///
  /// - Throws: what the store throws.
  package func final(_ store: RunStore) throws -> [Float] {
    run.adversarial[position] != nil
      ? try store.adversarialImage(run: run.id, position: position) : try given(store)
  }
}
