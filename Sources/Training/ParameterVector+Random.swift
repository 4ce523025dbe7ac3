import Networks
import TensorCore

extension ParameterVector {
  /// Random weights to begin from: uniform of Xavier's width, biases 0, norms the identity; the
  /// last layer of every branch, and of a denoiser, begins at 1e-5 of that, so that each block
  /// begins as its skip path.
  ///
  /// **Source** Glorot & Bengio 2010; the small last layers as in the EDM networks, Karras et al.
  /// 2022 (arXiv 2206.00364), appendix F.
  package static func random(
    _ architecture: any NetworkArchitecture, seed: UInt64
  ) -> ParameterVector {
    var random = RandomStream(
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)), counter: SIMD3(0, 0, 0))
    return ParameterVector(architecture) { name, shape in
      let count = shape.reduce(1, *)
      guard shape.count > 1 else {
        let isScale = name.contains("norm") && name.hasSuffix(".weight")
        return [Float](repeating: isScale ? 1 : 0, count: count)
      }
      let area = shape.dropFirst(2).reduce(1, *)
      let width = (6 / Double((shape[0] + shape[1]) * area)).squareRoot()
      let isLast = [".conv1.", ".proj.", "_aux_conv."].contains { name.contains($0) }
      let scale = isLast ? 1e-5 : 1
      return (0..<count).map { _ in Float(scale * width * (2 * random.uniform() - 1)) }
    }
  }

  /// Writes the network as a checkpoint that `Checkpoint` reads.
  ///
  /// - Throws: what the file system throws.
  package func write(to path: String, metadata: [String: String] = [:]) throws {
    let named = self.named
    var tensors: [String: SafetensorsWriter.Tensor] = [:]
    for (name, shape) in architecture.parameterShapes {
      tensors[name] = SafetensorsWriter.Tensor(shape: shape, values: named[name] ?? [])
    }
    let layout = try architecture.json
    try SafetensorsWriter.write(
      tensors, metadata: metadata.merging(["architecture": layout]) { $1 }, to: path)
  }
}
