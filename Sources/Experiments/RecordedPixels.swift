import Basics
import Datasets
import Evaluation
import Records
import RunStore

/// The values of an image of a run, as its dataset has it and as the run finally classified it; no
/// network is needed for them.
package struct RecordedPixels {
  /// The image.
  package let input: InputRecord
  /// `[C, H, W]`.
  package let shape: [Int]
  private let run: RecordedRun
  private let position: Int
  private let data: String?
  private let load: (_ name: String, _ split: String, _ folder: String?) throws -> Dataset

  /// Finds an image by its index in the split.
  ///
  /// - Parameters:
  ///   - id: names the run.
  ///   - image: index in the split.
  ///   - data: folder of the dataset's files; nil: where it was.
  ///   - store: where the run is recorded.
  ///   - load: reads a split of a dataset.
  /// - Throws: `ElbowError` where the run has no such image.
  package init(
    _ id: String, image: Int, data: String? = nil, _ store: RunStore,
    load: @escaping (String, String, String?) throws -> Dataset = {
      try DatasetCatalog.load($0, split: $1, directory: $2)
    }
  ) throws {
    run = try store.recordedRun(id)
    guard let position = run.inputs.firstIndex(where: { $0.index == image }) else {
      throw ElbowError(.unknownName, "run \(run.id) has no image \(image)")
    }
    (self.position, input) = (position, run.inputs[position])
    shape = try store.recordedHeader(run.id).imageShape
    (self.data, self.load) = (data, load)
  }

  /// Whether it has one row.
  package var isSignal: Bool { shape[1] == 1 }

  /// What 0 and 1 stand for; nil where the values have no other unit.
  package var limits: ValueLimits? { ValueLimits(recordedRequest: run.invocation) }

  /// Whether an attack has changed the image, the run's own or that of another that it took its images
  /// from.
  ///
  /// - Throws: what the store throws.
  package func isChanged(_ store: RunStore) throws -> Bool {
    if run.adversarial[position] != nil { return true }
    guard let source = try source(store), let place = source.place(of: input) else { return false }
    return source.adversarial[place] != nil
  }

  private func source(_ store: RunStore) throws -> RecordedRun? {
    try run.inputsRun.map { try store.recordedRun($0) }
  }

  /// From the dataset's files, where these are still what they were; planar, in [0, 1].
  ///
  /// - Throws: `ElbowError` where they are not.
  package func clean() throws -> [Float] {
    let request = try RunRequest(recorded: run.invocation, of: run.id)
    let dataset = try load(input.dataset, input.split, data ?? request.data)
    guard input.index < dataset.count else {
      throw ElbowError(.damaged, "\(input.dataset) \(input.split) has no image \(input.index)")
    }
    // The recorded hash is of the image as the run was given it, which an attack may have made.
    guard
      run.inputsRun != nil || dataset.inputRecord(at: input.index).sha256 == input.sha256
    else {
      throw ElbowError(
        .damaged, "image \(input.index) of \(input.dataset) \(input.split) is no longer what it was"
      )
    }
    return dataset.pixels(at: input.index)
  }

  /// As the run finally classified it; planar, in [0, 1].
  ///
  /// - Throws: `ElbowError` where the image is no longer what it was.
  package func final(_ store: RunStore) throws -> [Float] {
    if run.adversarial[position] != nil {
      return try store.adversarialImage(run: run.id, position: position)
    }
    if let source = try source(store), let place = source.place(of: input),
      source.adversarial[place] != nil
    {
      return try store.adversarialImage(run: source.id, position: place)
    }
    return try clean()
  }

  /// Planar values as `[channel][y][x]`.
  package func rows(_ planar: [Float]) -> [[[Double]]] {
    (0..<shape[0]).map { channel in
      (0..<shape[1]).map { y in
        (0..<shape[2]).map { Double(planar[(channel * shape[1] + y) * shape[2] + $0]) }
      }
    }
  }
}
