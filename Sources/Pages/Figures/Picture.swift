import Basics
import Datasets
import Evaluation
import Records
import RunStore

/// An image of a run as pixels: clean, as it was finally classified, and what changed.
struct Picture {
  /// What may be shown.
  enum Kind: String, CaseIterable {
    case clean, final, difference

    /// The name in an address.
    var name: String { rawValue + ".png" }
  }

  private let run: RecordedRun
  private let input: InputRecord
  private let position: Int
  private let shape: [Int]

  /// Finds an image by its index in the split.
  ///
  /// - Throws: `ElbowError` where the run has no such image.
  init(_ id: String, _ image: Int, _ store: RunStore) throws {
    run = try store.recordedRun(id)
    guard let position = run.inputs.firstIndex(where: { $0.index == image }) else {
      throw ElbowError(.unknownName, "run \(run.id) has no image \(image)")
    }
    (self.position, input) = (position, run.inputs[position])
    shape = try store.recordedHeader(run.id).imageShape
  }

  /// Whether an attack has changed the image, the run's own or that of another that it took its images
  /// from.
  func isChanged(_ store: RunStore) throws -> Bool {
    if run.adversarial[position] != nil { return true }
    return try source(store)?.adversarial[position] != nil
  }

  /// The picture that a path names.
  ///
  /// - Throws: `ElbowError` where there is none, or the image is no longer what it was.
  @Sendable static func png(_ call: Call) throws -> [UInt8] {
    let name = call.part("picture")
    guard let kind = Kind.allCases.first(where: { $0.name == name }) else {
      throw ElbowError(
        .unknownName,
        "no picture '\(name)'; there are \(Kind.allCases.map(\.name).joined(separator: ", "))")
    }
    let picture = try Picture(call.run(), call.image(), call.store)
    return try picture.png(kind, call)
  }

  private func png(_ kind: Kind, _ call: Call) throws -> [UInt8] {
    let pixels: [Float]
    switch kind {
    case .clean: pixels = try clean(call)
    case .final: pixels = try final(call)
    case .difference:
      let difference = zip(try final(call), try clean(call)).map(-)
      let largest = difference.map(abs).max() ?? 0
      // Grey is no change; the largest is as bright, or dark, as can be.
      pixels = difference.map { largest > 0 ? 0.5 + 0.5 * $0 / largest : 0.5 }
    }
    guard shape.count == 3, [1, 3].contains(shape[0]), pixels.count == shape.reduce(1, *) else {
      throw ElbowError(.malformed, "images of shape \(shape) are not shown")
    }
    return PNG.encoded(pixels, channels: shape[0], width: shape[2], height: shape[1])
  }

  private func source(_ store: RunStore) throws -> RecordedRun? {
    try run.inputsRun.map { try store.recordedRun($0) }
  }

  /// From the dataset's files, where these are still what they were.
  private func clean(_ call: Call) throws -> [Float] {
    let request = try RunRequest(recorded: run.invocation, of: run.id)
    let dataset = try call.archive.dataset(input.dataset, input.split, request.data)
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

  private func final(_ call: Call) throws -> [Float] {
    if run.adversarial[position] != nil {
      return try call.store.adversarialImage(run: run.id, position: position)
    }
    if let source = try source(call.store),
      let place = source.inputs.firstIndex(where: {
        $0.index == input.index && $0.dataset == input.dataset && $0.split == input.split
      }), source.adversarial[place] != nil
    {
      return try call.store.adversarialImage(run: source.id, position: place)
    }
    return try clean(call)
  }
}
