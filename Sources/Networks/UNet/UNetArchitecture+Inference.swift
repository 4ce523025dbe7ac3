import Basics
import Foundation

extension UNetArchitecture {
  /// Reads the architecture off the tensors' names and shapes, as in a converted public checkpoint.
  ///
  /// - Parameter shapes: shape by name.
  /// - Throws: `ElbowError` where the tensors belong to another kind of network.
  static func inferred(from shapes: [String: [Int]], file: String) throws -> UNetArchitecture {
    func fail(_ problem: String) -> ElbowError { ElbowError(.damaged, "\(file): \(problem)") }
    if shapes.keys.contains(where: { $0.hasPrefix("model.map_fourier") }) {
      throw fail("is an NCSN++ network; Elbow reads DDPM++ checkpoints (edm-*-vp)")
    }
    guard let input = shapes["model.map_layer0.weight"], input.count == 2 else {
      throw fail(
        "has no 'model.map_layer0.weight', so it is no EDM U-Net; convert a public DDPM++ checkpoint"
      )
    }
    let width = input[1]
    guard width > 0 else { throw fail("has a 'model.map_layer0.weight' without inputs") }
    struct Place {
      var side: Int
      var rest: String
    }
    func places(_ part: String) -> [(Place, [Int])] {
      shapes.compactMap { name, shape in
        let pieces = name.split(separator: ".", maxSplits: 2).map(String.init)
        guard pieces.count == 3, pieces[0] == "model", pieces[1] == part,
          let under = pieces[2].firstIndex(of: "_"),
          let side = Int(pieces[2][..<under].split(separator: "x").first ?? "")
        else { return nil }
        return (Place(side: side, rest: String(pieces[2][pieces[2].index(after: under)...])), shape)
      }
    }
    let encoder = places("enc")
    let sides = Set(encoder.map(\.0.side)).sorted(by: >)
    guard let resolution = sides.first,
      let first = encoder.first(where: { $0.0.side == resolution && $0.0.rest == "conv.weight" })?
        .1,
      first.count == 4 || first.count == 3
    else {
      throw fail(
        "has no first convolution 'model.enc.<R>x<R>_conv.weight', of signals 'model.enc.<R>_conv.weight'"
      )
    }
    let dimensions = first.count - 2
    let place = dimensions == 1 ? "\(resolution)" : "\(resolution)x\(resolution)"
    let blocks = encoder.filter {
      $0.0.side == resolution && $0.0.rest.hasPrefix("block") && $0.0.rest.hasSuffix("norm0.weight")
    }.count
    let multipliers = try sides.map { side in
      guard
        let shape = encoder.first(where: {
          $0.0.side == side && $0.0.rest == "block0.conv1.weight"
        })?.1, shape.count == 2 + dimensions, shape[0] % width == 0
      else {
        throw fail("has no block at resolution \(side), or its width is no multiple of \(width)")
      }
      return shape[0] / width
    }
    let attention = sides.filter { side in
      encoder.contains { $0.0.side == side && $0.0.rest == "block0.qkv.weight" }
    }
    let outputs = shapes["model.dec.\(place)_aux_conv.weight"]?.first
    let heads = max(1, (outputs ?? 1) / max(first[1], 1))
    return UNetArchitecture(
      resolution: resolution, channels: first[1],
      classes: shapes["model.map_label.weight"]?.last ?? (heads > 1 ? heads : 0), width: width,
      multipliers: multipliers, blocks: blocks, attentionResolutions: attention,
      augmentDimension: shapes["model.map_augment.weight"]?.last ?? 0, heads: heads,
      dimensions: dimensions)
  }
}
