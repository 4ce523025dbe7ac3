import Basics
import Datasets
import Experiments
import Records
import Reporting
import RunStore

/// An image of a run as pixels: clean, as it was finally classified, and what changed. Signals are drawn
/// as their curves.
struct Picture {
  /// What may be shown.
  enum Kind: String, CaseIterable {
    case clean, final, difference

    /// The name in an address.
    var name: String { rawValue + ".png" }
  }

  private let values: RecordedPixels

  /// Finds an image by its index in the split.
  ///
  /// - Throws: `ElbowError` where the run has no such image.
  init(_ id: String, _ image: Int, _ call: Call) throws {
    values = try RecordedPixels(id, image: image, call.store) {
      try call.archive.dataset($0, $1, $2)
    }
  }

  /// Whether the image is a signal.
  var isSignal: Bool { values.isSignal }

  /// Whether an attack has changed the image, the run's own or that of another that it took its images
  /// from.
  func isChanged(_ store: RunStore) throws -> Bool { try values.isChanged(store) }

  /// The curves of a signal, clean and as it was classified.
  ///
  /// - Throws: `ElbowError` where the image is no longer what it was.
  func figure(_ id: String, _ store: RunStore) throws -> Figure {
    try Figure(image: values, run: id, store)
  }

  /// Whether it can be had: a dataset may be gone, or never have been here.
  func has(_ kind: Kind, _ store: RunStore) -> Bool { (try? png(kind, store)) != nil }

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
    return try Picture(call.run(), call.image(), call).png(kind, call.store)
  }

  private func png(_ kind: Kind, _ store: RunStore) throws -> [UInt8] {
    let pixels: [Float]
    switch kind {
    case .clean: pixels = try values.clean()
    case .final: pixels = try values.final(store)
    case .difference:
      let difference = zip(try values.final(store), try values.clean()).map(-)
      let largest = difference.map(abs).max() ?? 0
      // Grey is no change; the largest is as bright, or dark, as can be.
      pixels = difference.map { largest > 0 ? 0.5 + 0.5 * $0 / largest : 0.5 }
    }
    let shape = values.shape
    guard shape.count == 3, pixels.count == shape.reduce(1, *),
      isSignal || [1, 3].contains(shape[0])
    else { throw ElbowError(.malformed, "images of shape \(shape) are not shown") }
    if isSignal { return Curve.png(pixels, channels: shape[0]) }
    return PNG.encoded(pixels, channels: shape[0], width: shape[2], height: shape[1])
  }
}
