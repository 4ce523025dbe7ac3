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
    fileprivate var input: UnsafeMutablePointer<Float>
    fileprivate var hidden: UnsafeMutablePointer<Float>
    fileprivate var activated: UnsafeMutablePointer<Float>
    fileprivate var final: UnsafeMutablePointer<Float>
    fileprivate var conditions: [Condition]
    /// SiLU'd embeddings, `[N, 4·width]`.
    var embeddings: UnsafeMutablePointer<Float>
  }

  /// What one image's network is told.
  struct Condition {
    /// c_noise = ln(σ)/4.
    var noise: Double
    /// Class, nil for the unconditional network.
    var label: Int?
  }

  /// The embeddings of N images.
  func forward(_ conditions: [Condition], in arena: Arena) -> Cache {
    let count = conditions.count
    let cache = Cache(
      input: arena.take(count * width), hidden: arena.take(count * outputs),
      activated: arena.take(count * outputs), final: arena.take(count * outputs),
      conditions: conditions, embeddings: arena.take(count * outputs))
    for (image, condition) in conditions.enumerated() {
      let (input, wide) = (cache.input + image * width, image * outputs)
      fill(input, condition)
      layer0.forward(input, into: cache.hidden + wide)
      silu(cache.hidden + wide, into: cache.activated + wide, count: outputs)
      layer1.forward(cache.activated + wide, into: cache.final + wide)
      silu(cache.final + wide, into: cache.embeddings + wide, count: outputs)
    }
    return cache
  }

  /// Writes e₀.
  private func fill(_ input: UnsafeMutablePointer<Float>, _ condition: Condition) {
    let half = width / 2
    for i in 0..<half {
      let frequency = pow(10_000, -Double(i) / Double(max(half - 1, 1)))
      input[i] = Float(sin(condition.noise * frequency))
      input[half + i] = Float(cos(condition.noise * frequency))
    }
    guard let label else { return }
    let scale = Float(classes).squareRoot()
    for i in 0..<width {
      input[i] += label.bias[i]
      if let y = condition.label { input[i] += scale * label.weight[i * classes + y] }
    }
  }

  /// Adds the parameters' gradients, from `gradients.embeddings`.
  func backward(_ cache: Cache, gradients: ParameterGradients, in arena: Arena) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let d1 = arena.take(outputs)
    let d0 = arena.take(outputs)
    let dInput = arena.take(width)
    let oneHot = arena.take(classes)
    for (image, condition) in cache.conditions.enumerated() {
      let (input, wide) = (cache.input + image * width, image * outputs)
      siluBackward(
        gradients.embeddings + wide, at: cache.final + wide, into: d1, count: outputs)
      layer1.accumulate(
        weight: gradients.pointer(slots.layer1.weight), bias: gradients.pointer(slots.layer1.bias),
        x: cache.activated + wide, dy: d1)
      d0.update(repeating: 0, count: outputs)
      layer1.backward(d1, into: d0)
      siluBackward(d0, at: cache.hidden + wide, into: d0, count: outputs)
      layer0.accumulate(
        weight: gradients.pointer(slots.layer0.weight), bias: gradients.pointer(slots.layer0.bias),
        x: input, dy: d0)
      guard let labelLayer, let labelSlot else { continue }
      dInput.update(repeating: 0, count: width)
      layer0.backward(d0, into: dInput)
      oneHot.update(repeating: 0, count: classes)
      if let y = condition.label { oneHot[y] = Float(classes).squareRoot() }
      labelLayer.accumulate(
        weight: gradients.pointer(labelSlot.weight), bias: gradients.pointer(labelSlot.bias),
        x: oneHot, dy: dInput)
    }
  }
}
