import Basics
import Records

/// Sizes and layout of a pre-activation ResNet classifier.
///
/// A 3×3 convolution, of signals one of three points, to `width` channels at full resolution; then for each multiplier a block that
/// halves the resolution and `blocks` − 1 that keep it; group norm, SiLU, the mean over all pixels
/// and a linear layer.
public struct ResNetArchitecture: NetworkArchitecture, Hashable {
  public static let kind = "resnet"
  public static let title = "a classifier"
  public static let use = "run it with `classifier` cnn or lm+cnn"

  /// Side of the square images, or length of signals.
  public var resolution: Int
  /// Colour channels.
  public var channels: Int
  /// Classes K.
  public var classes: Int
  /// Channels of the first convolution.
  public var width: Int
  /// Channels of each halved resolution, in units of `width`.
  public var multipliers: [Int]
  /// Blocks at each of them.
  public var blocks: Int
  /// 2 for images, 1 for signals.
  public var dimensions: Int

  private enum CodingKeys: String, CodingKey {
    case resolution, channels, classes, width, multipliers, blocks, kind, dimensions
  }

  /// The architecture as given.
  public init(
    resolution: Int, channels: Int, classes: Int, width: Int, multipliers: [Int], blocks: Int,
    dimensions: Int = 2
  ) {
    self.resolution = resolution
    self.channels = channels
    self.classes = classes
    self.width = width
    self.multipliers = multipliers
    self.blocks = blocks
    self.dimensions = dimensions
  }

  public init(from decoder: any Decoder) throws {
    let c = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      resolution: try c.decode(Int.self, forKey: .resolution),
      channels: try c.decode(Int.self, forKey: .channels),
      classes: try c.decode(Int.self, forKey: .classes),
      width: try c.decode(Int.self, forKey: .width),
      multipliers: try c.decode([Int].self, forKey: .multipliers),
      blocks: try c.decode(Int.self, forKey: .blocks),
      dimensions: try c.decodeIfPresent(Int.self, forKey: .dimensions) ?? 2)
  }

  public func encode(to encoder: any Encoder) throws {
    var c = encoder.container(keyedBy: CodingKeys.self)
    try c.encode(Self.kind, forKey: .kind)
    try c.encode(resolution, forKey: .resolution)
    try c.encode(channels, forKey: .channels)
    try c.encode(classes, forKey: .classes)
    try c.encode(width, forKey: .width)
    try c.encode(multipliers, forKey: .multipliers)
    try c.encode(blocks, forKey: .blocks)
    if dimensions != 2 { try c.encode(dimensions, forKey: .dimensions) }
  }

  public var sizes: [NetworkSize] {
    [
      NetworkSize("dimensions", dimensions, 1...2),
      NetworkSize("resolution", resolution, 1...longest), NetworkSize("channels", channels, 1...64),
      NetworkSize("classes", classes, 2...10_000), NetworkSize("width", width, 4...4096),
      NetworkSize("multipliers", multipliers, 1...64, count: 1...8),
      NetworkSize("blocks", blocks, 1...64),
    ]
  }

  public var misfit: String? {
    if width % 4 != 0 { return "has width \(width), expected a multiple of 4" }
    if resolution % (1 << multipliers.count) != 0 {
      return "halves \(shape.height)×\(shape.width) images \(multipliers.count) times, "
        + "which leaves a remainder"
    }
    if let odd = steps.map(\.outputs).first(where: { $0 % max(1, min(32, $0 / 4)) != 0 }) {
      return "has a block of \(odd) channels, which group norm cannot divide"
    }
    return nil
  }

  /// One residual block.
  struct Step {
    var name: String
    /// Side of the output.
    var resolution: Int
    var inputs: Int
    var outputs: Int
    var sampling: ResidualBlock.Sampling
  }

  static let input = "model.conv"
  static let norm = "model.norm"
  static let output = "model.linear"

  /// The blocks in evaluation order.
  var steps: [Step] {
    var channels = width
    var list: [Step] = []
    for (halvings, multiplier) in multipliers.enumerated() {
      let side = resolution >> (halvings + 1)
      for block in 0..<blocks {
        list.append(
          Step(
            name: "model.\(place(side))_" + (block == 0 ? "down" : "block\(block)"),
            resolution: side, inputs: channels, outputs: width * multiplier,
            sampling: block == 0 ? .down : .keep))
        channels = width * multiplier
      }
    }
    return list
  }

  /// Channels that the linear layer reads.
  var features: Int { width * (multipliers.last ?? 1) }

  public var parameterShapes: [(name: String, shape: [Int])] {
    var list: [(name: String, shape: [Int])] = []
    func layer(_ name: String, _ shape: [Int]) {
      list.append((name + ".weight", shape))
      list.append((name + ".bias", [shape[0]]))
    }
    layer(Self.input, [width, channels] + filter(3))
    for step in steps {
      let (i, o) = (step.inputs, step.outputs)
      layer(step.name + ".norm0", [i])
      layer(step.name + ".conv0", [o, i] + filter(3))
      layer(step.name + ".norm1", [o])
      layer(step.name + ".conv1", [o, o] + filter(3))
      if step.sampling != .keep || i != o { layer(step.name + ".skip", [o, i] + filter(1)) }
    }
    layer(Self.norm, [features])
    layer(Self.output, [classes, features])
    return list
  }

  public var floatingPointOperations: Int {
    let taps = area(3)
    var multiplications = area(resolution) * taps * channels * width + classes * features
    for step in steps {
      let pixels = area(step.resolution)
      let (i, o) = (step.inputs, step.outputs)
      multiplications += pixels * taps * o * (i + o)
      if step.sampling != .keep || i != o { multiplications += pixels * i * o }
    }
    return 2 * multiplications
  }

  public var properties: [(name: String, value: JSONValue)] {
    [
      ("width", .number(Double(width))),
      ("multipliers", .string(multipliers.map(String.init).joined(separator: "-"))),
      ("blocks", .number(Double(blocks))),
    ]
  }
}
