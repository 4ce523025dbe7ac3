import Basics
import Foundation
import Records

/// Sizes and layout of an EDM U-Net (DDPM++).
public struct UNetArchitecture: NetworkArchitecture, Hashable {
  public static let kind = "edm-unet"
  public static let title = "a diffusion model"
  public static let use = "run it with `classifier` dc or rdc"

  /// Side of the square images, or length of signals.
  public var resolution: Int
  /// Colour channels.
  public var channels: Int
  /// Classes K; 0 for an unconditional network.
  public var classes: Int
  /// Outputs: 1, or K where each class has a head of its own instead of a label input.
  public var heads: Int
  /// Channels at the full resolution.
  public var width: Int
  /// Channels at each resolution, in units of `width`.
  public var multipliers: [Int]
  /// Blocks a resolution in the encoder; the decoder has one more.
  public var blocks: Int
  /// Resolutions whose blocks attend.
  public var attentionResolutions: [Int]
  /// σ_d, the data's standard deviation.
  public var sigmaData: Double
  /// Inputs of `map_augment`, unused at inference; 0 where there is none.
  public var augmentDimension: Int
  /// 2 for images, 1 for signals, whose convolutions are those of PyTorch's `Conv1d`.
  public var dimensions: Int

  private enum CodingKeys: String, CodingKey {
    case resolution, channels, classes, heads, width, multipliers, blocks, kind, dimensions
    case attentionResolutions = "attention_resolutions"
    case sigmaData = "sigma_data"
    case augmentDimension = "augment_dim"
  }

  /// The architecture as given.
  public init(
    resolution: Int, channels: Int, classes: Int, width: Int, multipliers: [Int], blocks: Int,
    attentionResolutions: [Int], sigmaData: Double = 0.5, augmentDimension: Int = 0, heads: Int = 1,
    dimensions: Int = 2
  ) {
    self.resolution = resolution
    self.channels = channels
    self.classes = classes
    self.heads = heads
    self.width = width
    self.multipliers = multipliers
    self.blocks = blocks
    self.attentionResolutions = attentionResolutions
    self.sigmaData = sigmaData
    self.augmentDimension = augmentDimension
    self.dimensions = dimensions
  }

  public init(from decoder: any Decoder) throws {
    let c = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try c.decodeIfPresent(String.self, forKey: .kind) ?? Self.kind
    guard kind == Self.kind else {
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: c,
        debugDescription: "architecture kind '\(kind)' is unknown, expected '\(Self.kind)'")
    }
    resolution = try c.decode(Int.self, forKey: .resolution)
    channels = try c.decode(Int.self, forKey: .channels)
    classes = try c.decode(Int.self, forKey: .classes)
    heads = try c.decodeIfPresent(Int.self, forKey: .heads) ?? 1
    width = try c.decode(Int.self, forKey: .width)
    multipliers = try c.decode([Int].self, forKey: .multipliers)
    blocks = try c.decode(Int.self, forKey: .blocks)
    attentionResolutions = try c.decode([Int].self, forKey: .attentionResolutions)
    sigmaData = try c.decodeIfPresent(Double.self, forKey: .sigmaData) ?? 0.5
    augmentDimension = try c.decodeIfPresent(Int.self, forKey: .augmentDimension) ?? 0
    dimensions = try c.decodeIfPresent(Int.self, forKey: .dimensions) ?? 2
  }

  public func encode(to encoder: any Encoder) throws {
    var c = encoder.container(keyedBy: CodingKeys.self)
    try c.encode(Self.kind, forKey: .kind)
    try c.encode(resolution, forKey: .resolution)
    try c.encode(channels, forKey: .channels)
    try c.encode(classes, forKey: .classes)
    if heads != 1 { try c.encode(heads, forKey: .heads) }
    try c.encode(width, forKey: .width)
    try c.encode(multipliers, forKey: .multipliers)
    try c.encode(blocks, forKey: .blocks)
    if dimensions != 2 { try c.encode(dimensions, forKey: .dimensions) }
    try c.encode(attentionResolutions, forKey: .attentionResolutions)
    try c.encode(sigmaData, forKey: .sigmaData)
    if augmentDimension > 0 { try c.encode(augmentDimension, forKey: .augmentDimension) }
  }

  /// Classes that the network takes as a label: none where each has a head.
  public var labelInputs: Int { heads == 1 ? classes : 0 }
  /// Channels of the last convolution: every head's image.
  public var outputChannels: Int { heads * channels }

  public var sizes: [NetworkSize] {
    [
      NetworkSize("dimensions", dimensions, 1...2),
      NetworkSize("resolution", resolution, 1...longest), NetworkSize("channels", channels, 1...64),
      NetworkSize("classes", classes, 0...10_000), NetworkSize("heads", heads, 1...10_000),
      NetworkSize("width", width, 4...4096),
      NetworkSize("multipliers", multipliers, 1...64, count: 1...8),
      NetworkSize("blocks", blocks, 1...64),
      NetworkSize("attention_resolutions", attentionResolutions, 0...longest, count: 0...16),
      NetworkSize("augment_dim", augmentDimension, 0...4096),
    ]
  }

  public var misfit: String? {
    if heads != 1, heads != classes {
      return "has \(heads) heads for \(classes) classes, expected 1, or one for each class"
    }
    if width % 4 != 0 { return "has width \(width), expected a multiple of 4" }
    if resolution % (1 << (multipliers.count - 1)) != 0 {
      return "halves \(shape.height)×\(shape.width) images \(multipliers.count - 1) times, "
        + "which leaves a remainder"
    }
    if !(sigmaData > 0 && sigmaData.isFinite) { return "has sigma_data \(sigmaData)" }
    let channelCounts = UNetPlan(self).steps.flatMap { [$0.inputs, $0.outputs] }
    if let odd = channelCounts.first(where: { $0 % max(1, min(32, $0 / 4)) != 0 }) {
      return "has a block of \(odd) channels, which group norm cannot divide"
    }
    return nil
  }

  public var parameterShapes: [(name: String, shape: [Int])] {
    let embedding = 4 * width
    var list: [(name: String, shape: [Int])] = []
    func layer(_ name: String, _ shape: [Int], bias: Bool = true) {
      list.append((name + ".weight", shape))
      if bias { list.append((name + ".bias", [shape[0]])) }
    }
    let plan = UNetPlan(self)
    layer("model.map_layer0", [embedding, width])
    layer("model.map_layer1", [embedding, embedding])
    if labelInputs > 0 { layer("model.map_label", [width, labelInputs]) }
    if augmentDimension > 0 { layer("model.map_augment", [width, augmentDimension], bias: false) }
    layer(plan.input, [width, channels] + filter(3))
    for step in plan.steps {
      let (i, o) = (step.inputs, step.outputs)
      layer(step.name + ".norm0", [i])
      layer(step.name + ".conv0", [o, i] + filter(3))
      layer(step.name + ".affine", [o, embedding])
      layer(step.name + ".norm1", [o])
      layer(step.name + ".conv1", [o, o] + filter(3))
      if step.hasSkip { layer(step.name + ".skip", [o, i] + filter(1)) }
      if step.attends {
        layer(step.name + ".norm2", [o])
        layer(step.name + ".qkv", [3 * o, o] + filter(1))
        layer(step.name + ".proj", [o, o] + filter(1))
      }
    }
    layer(plan.outputNorm, [plan.outputChannels])
    layer(plan.output, [outputChannels, plan.outputChannels] + filter(3))
    return list
  }

  public var properties: [(name: String, value: JSONValue)] {
    [
      ("heads", .number(Double(heads))),
      ("width", .number(Double(width))),
      ("multipliers", .string(multipliers.map(String.init).joined(separator: "-"))),
      ("blocks", .number(Double(blocks))),
      ("attention at", .string(attentionResolutions.map(String.init).joined(separator: ", "))),
      ("sigma_data", .number(sigmaData)),
    ]
  }

  public var floatingPointOperations: Int {
    let plan = UNetPlan(self)
    let (embedding, taps) = (4 * width, area(3))
    var multiplications = width * (embedding + labelInputs) + embedding * embedding
    multiplications +=
      area(resolution) * taps * channels * (width + heads * plan.outputChannels)
    for step in plan.steps {
      let pixels = area(step.resolution)
      let (i, o) = (step.inputs, step.outputs)
      multiplications += pixels * taps * o * (i + o) + o * embedding
      if step.hasSkip { multiplications += pixels * i * o }
      if step.attends { multiplications += pixels * 4 * o * o + 2 * pixels * pixels * o }
    }
    return 2 * multiplications
  }
}
