/// The blocks of a U-Net in evaluation order, by the names of the public EDM checkpoints.
struct UNetPlan {
  /// One residual block.
  struct Step {
    var name: String
    /// Side of the output.
    var resolution: Int
    var inputs: Int
    var outputs: Int
    var sampling: ResidualBlock.Sampling
    var attends: Bool
    /// Whether the input is the concatenation [x, popped skip].
    var takesSkip: Bool
    /// Whether the skip path has a 1×1 convolution.
    var hasSkip: Bool { inputs != outputs || sampling != .keep }
  }

  let input: String
  private(set) var encoder: [Step] = []
  private(set) var decoder: [Step] = []
  let outputNorm: String
  let output: String
  private(set) var outputChannels: Int
  /// All blocks in evaluation order.
  var steps: [Step] { encoder + decoder }

  init(_ a: UNetArchitecture) {
    let side = a.resolution
    input = "model.enc.\(a.place(side))_conv"
    outputNorm = "model.dec.\(a.place(side))_aux_norm"
    output = "model.dec.\(a.place(side))_aux_conv"
    var channels = a.width
    var skips = [a.width]
    for (halvings, multiplier) in a.multipliers.enumerated() {
      let r = side >> halvings
      if halvings > 0 {
        encoder.append(
          Step(
            name: "model.enc.\(a.place(r))_down", resolution: r, inputs: channels,
            outputs: channels,
            sampling: .down,
            attends: false, takesSkip: false))
        skips.append(channels)
      }
      for b in 0..<a.blocks {
        let outputs = a.width * multiplier
        encoder.append(
          Step(
            name: "model.enc.\(a.place(r))_block\(b)", resolution: r, inputs: channels,
            outputs: outputs,
            sampling: .keep, attends: a.attentionResolutions.contains(r), takesSkip: false))
        channels = outputs
        skips.append(channels)
      }
    }
    for (halvings, multiplier) in a.multipliers.enumerated().reversed() {
      let r = side >> halvings
      let lowest = halvings == a.multipliers.count - 1
      let leading: [(String, ResidualBlock.Sampling, Bool)] =
        lowest ? [("in0", .keep, true), ("in1", .keep, false)] : [("up", .up, false)]
      for (suffix, sampling, attends) in leading {
        decoder.append(
          Step(
            name: "model.dec.\(a.place(r))_\(suffix)", resolution: r, inputs: channels,
            outputs: channels,
            sampling: sampling, attends: attends, takesSkip: false))
      }
      for b in 0...a.blocks {
        let outputs = a.width * multiplier
        decoder.append(
          Step(
            name: "model.dec.\(a.place(r))_block\(b)", resolution: r,
            inputs: channels + skips.removeLast(),
            outputs: outputs, sampling: .keep,
            attends: b == a.blocks && a.attentionResolutions.contains(r), takesSkip: true))
        channels = outputs
      }
    }
    outputChannels = channels
  }
}

extension UNetArchitecture {
  /// About how many floats an image's evaluation holds at once.
  func scratchCount(keeping retention: Retention) -> Int {
    let plan = UNetPlan(self)
    func maps(_ step: UNetPlan.Step) -> Int {
      area(step.resolution) * (2 * step.inputs + 4 * step.outputs)
    }
    let largest = plan.steps.map(maps).max() ?? 0
    switch retention {
    case .nothing:
      // The encoder's outputs.
      return plan.encoder.reduce(largest) { $0 + area($1.resolution) * $1.outputs }
    case .forInput:
      // Every block's output, h, and concatenated input.
      return plan.steps.reduce(largest) {
        $0 + area($1.resolution) * (($1.takesSkip ? $1.inputs : 0) + 2 * $1.outputs)
      }
    case .forParameters: return plan.steps.reduce(0) { $0 + maps($1) }
    }
  }
}
