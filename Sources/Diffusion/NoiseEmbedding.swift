import Foundation
import Layers
import TensorCore

/// The vector that tells the network its noise level and class.
///
///     f_i = 10000^(−i/(width/2 − 1))   e₀ = [sin(c·f), cos(c·f)] + W_label·√K·onehot(y) + b_label
///     emb = SiLU(layer1(SiLU(layer0(e₀))))
///
/// The label's bias stays for the unconditional input. `map_augment` of public checkpoints is read
/// and ignored: augmentation labels are zero at inference.
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), appendix C; positional embedding of DDPM++.
struct NoiseEmbedding: Sendable {
  /// Length of e₀.
  let width: Int
  /// Length of the embedding, 4·width.
  let outputs: Int
  private let classes: Int
  private let label: (weight: [Float], bias: [Float])?
  private let layer0: Linear
  private let layer1: Linear
  private let slots: (layer0: GradientLayout.Pair, layer1: GradientLayout.Pair)
  private let labelSlot: GradientLayout.Pair?
  private let labelLayer: Linear?

  init(
    width: Int, classes: Int, parameters: ParameterReader, layout: inout GradientLayout
  ) throws {
    self.width = width
    self.classes = classes
    outputs = 4 * width
    layer0 = try parameters.linear("model.map_layer0", width, outputs)
    layer1 = try parameters.linear("model.map_layer1", outputs, outputs)
    slots = (
      layout.add("model.map_layer0", layer0), layout.add("model.map_layer1", layer1)
    )
    if classes > 0 {
      let weight = try parameters.read("model.map_label.weight", [width, classes])
      let bias = try parameters.read("model.map_label.bias", [width])
      let layer = Linear(weight: weight, bias: bias, inputs: classes, outputs: width)
      label = (weight, bias)
      labelLayer = layer
      labelSlot = layout.add("model.map_label", layer)
    } else {
      label = nil
      labelLayer = nil
      labelSlot = nil
    }
  }

  /// What the backward pass needs.
  struct Cache {
    var input: UnsafeMutablePointer<Float>
    var hidden: UnsafeMutablePointer<Float>
    var activated: UnsafeMutablePointer<Float>
    var final: UnsafeMutablePointer<Float>
    var label: Int?
    /// SiLU'd embedding, `[4·width]`.
    var embedding: UnsafeMutablePointer<Float>
  }

  /// - Parameters:
  ///   - noise: c_noise = ln(σ)/4.
  ///   - label: class, nil for the unconditional network.
  func forward(noise: Double, label y: Int?, in arena: Arena) -> Cache {
    let cache = Cache(
      input: arena.take(width), hidden: arena.take(outputs), activated: arena.take(outputs),
      final: arena.take(outputs), label: y, embedding: arena.take(outputs))
    let half = width / 2
    for i in 0..<half {
      let frequency = pow(10_000, -Double(i) / Double(max(half - 1, 1)))
      cache.input[i] = Float(sin(noise * frequency))
      cache.input[half + i] = Float(cos(noise * frequency))
    }
    if let label {
      let scale = Float(classes).squareRoot()
      for i in 0..<width {
        cache.input[i] += label.bias[i]
        if let y { cache.input[i] += scale * label.weight[i * classes + y] }
      }
    }
    layer0.forward(cache.input, into: cache.hidden)
    silu(cache.hidden, into: cache.activated, count: outputs)
    layer1.forward(cache.activated, into: cache.final)
    silu(cache.final, into: cache.embedding, count: outputs)
    return cache
  }

  /// Adds the parameters' gradients, from `gradients.embedding`.
  func backward(_ cache: Cache, gradients: ParameterGradients, in arena: Arena) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let d1 = arena.take(outputs)
    let d0 = arena.take(outputs)
    let dInput = arena.take(width)
    siluBackward(gradients.embedding.base, at: cache.final, into: d1, count: outputs)
    layer1.accumulate(
      weight: gradients.pointer(slots.layer1.weight), bias: gradients.pointer(slots.layer1.bias),
      x: cache.activated, dy: d1)
    d0.update(repeating: 0, count: outputs)
    layer1.backward(d1, into: d0)
    siluBackward(d0, at: cache.hidden, into: d0, count: outputs)
    layer0.accumulate(
      weight: gradients.pointer(slots.layer0.weight), bias: gradients.pointer(slots.layer0.bias),
      x: cache.input, dy: d0)
    guard let labelLayer, let labelSlot else { return }
    dInput.update(repeating: 0, count: width)
    layer0.backward(d0, into: dInput)
    let oneHot = arena.take(classes)
    oneHot.update(repeating: 0, count: classes)
    if let y = cache.label { oneHot[y] = Float(classes).squareRoot() }
    labelLayer.accumulate(
      weight: gradients.pointer(labelSlot.weight), bias: gradients.pointer(labelSlot.bias),
      x: oneHot, dy: dInput)
  }
}
