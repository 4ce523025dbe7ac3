import Layers
import TensorCore

/// One DDPM++ block: two normalised convolutions with the noise embedding between them, a skip
/// path, and self-attention where the resolution asks for it.
///
///     h = conv0(resample(SiLU(norm0(x)))) + affine(emb), without affine(emb) where there is none
///     z = (conv1(SiLU(norm1(h))) + skip(resample(x)))·√½
///     y = (proj(attention(norm2(z))) + z)·√½, or y = z
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), the DDPM++ network of table 1.
struct ResidualBlock: Sendable {
  /// How the block changes the resolution.
  enum Sampling { case keep, up, down }

  /// Input and output channels.
  let inputs: Int
  let outputs: Int
  let sampling: Sampling

  // The layers, for the passes in the extensions.
  let norm0: GroupNorm
  let conv0: Convolution
  let affine: Linear?
  let norm1: GroupNorm
  let conv1: Convolution
  let skip: Convolution?
  let attention: SelfAttention?
  let slots: Slots

  struct SelfAttention: Sendable {
    let norm: GroupNorm
    let qkv: Convolution
    let projection: Convolution
  }

  /// Where each parameter's gradient accumulates.
  struct Slots: Sendable {
    let norm0, conv0, norm1, conv1: GradientLayout.Pair
    let affine, skip, norm2, qkv, projection: GradientLayout.Pair?
  }

  static let half = Float(0.5).squareRoot()

  /// - Parameters:
  ///   - name: prefix of the parameters, as `model.enc.28x28_block0`.
  ///   - side: of the output map.
  ///   - embedding: length of the noise embedding; nil for a block without one.
  ///   - parameters: reads `[values]` by name and shape.
  ///   - layout: receives the places of the gradients.
  init(
    _ name: String, inputs: Int, outputs: Int, side: Int, embedding: Int? = nil,
    sampling: Sampling = .keep,
    attends: Bool = false, parameters: ParameterReader, layout: inout GradientLayout
  ) throws {
    self.inputs = inputs
    self.outputs = outputs
    self.sampling = sampling
    norm0 = try parameters.norm("\(name).norm0", inputs, activates: true)
    conv0 = try parameters.convolution("\(name).conv0", inputs, outputs, kernel: 3, side: side)
    affine = try embedding.map { try parameters.linear("\(name).affine", $0, outputs) }
    norm1 = try parameters.norm("\(name).norm1", outputs, activates: true)
    conv1 = try parameters.convolution("\(name).conv1", outputs, outputs, kernel: 3, side: side)
    skip =
      inputs != outputs || sampling != .keep
      ? try parameters.convolution("\(name).skip", inputs, outputs, kernel: 1, side: side) : nil
    attention =
      attends
      ? SelfAttention(
        norm: try parameters.norm("\(name).norm2", outputs, activates: false),
        qkv: try parameters.interleavedConvolution("\(name).qkv", outputs, blocks: 3, side: side),
        projection: try parameters.convolution(
          "\(name).proj", outputs, outputs, kernel: 1, side: side)) : nil
    slots = Slots(
      norm0: layout.add("\(name).norm0", norm0), conv0: layout.add("\(name).conv0", conv0),
      norm1: layout.add("\(name).norm1", norm1), conv1: layout.add("\(name).conv1", conv1),
      affine: affine.map { layout.add("\(name).affine", $0) },
      skip: skip.map { layout.add("\(name).skip", $0) },
      norm2: attention.map { layout.add("\(name).norm2", $0.norm) },
      qkv: attention.map { layout.add("\(name).qkv", $0.qkv, interleavedBlocks: 3) },
      projection: attention.map { layout.add("\(name).proj", $0.projection) })
  }

  /// Every convolution.
  var convolutions: [Convolution] {
    [conv0, conv1, skip, attention?.qkv, attention?.projection].compactMap(\.self)
  }

  /// What the backward pass needs.
  struct Cache {
    /// The block's input.
    var input: FeatureMap
    var norm0: GroupNorm.Cache
    var h: FeatureMap
    var norm1: GroupNorm.Cache
    var attention: AttentionCache?
    /// The inputs of conv0, conv1 and skip; nil unless kept for the parameters' gradients.
    var activated0, activated1, skipInput: FeatureMap?
    var embeddings: UnsafePointer<Float>?
  }

  struct AttentionCache {
    var z: FeatureMap
    var norm: GroupNorm.Cache
    var normalized: FeatureMap
    var qkv: FeatureMap
    var weights: Attention.Cache
    var attended: FeatureMap
  }

  /// Resolution of the output for an input of side `side`.
  private func outputSide(_ side: Int) -> Int {
    switch sampling {
    case .keep: side
    case .up: side * 2
    case .down: side / 2
    }
  }

  /// A map for the output of an input like `x` in `arena`.
  func makeOutput(for x: FeatureMap, in arena: Arena) -> FeatureMap {
    let isSignal = conv0.kernelRows == 1
    return FeatureMap(
      images: x.images, height: isSignal ? x.height : outputSide(x.height),
      width: outputSide(x.width),
      channels: outputs, in: arena)
  }
}
