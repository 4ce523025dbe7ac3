import Layers

extension UNetArchitecture {
  /// Where a narrower network's channels lie in this one, by layer name, so that those channels
  /// compute what they did: every resolution at least as wide, those that attend and all else equal.
  ///
  /// Concatenations put the narrower network's skips behind the wider one's channels; elsewhere its
  /// channels are the first.
  ///
  /// - Returns: nil where the narrower network cannot be a part of this one.
  public func places(
    of narrow: UNetArchitecture
  ) -> [String: (outputs: [Int], inputs: [Int])]? {
    guard
      (resolution, channels, width, blocks)
        == (narrow.resolution, narrow.channels, narrow.width, narrow.blocks),
      dimensions == narrow.dimensions,
      attentionResolutions == narrow.attentionResolutions, sigmaData == narrow.sigmaData,
      multipliers.count == narrow.multipliers.count,
      zip(multipliers, narrow.multipliers).allSatisfy(>=)
    else { return nil }
    let (plan, narrowPlan) = (UNetPlan(self), UNetPlan(narrow))
    var places: [String: (outputs: [Int], inputs: [Int])] = [
      plan.input: (Array(0..<width), Array(0..<channels))
    ]
    // Channels of the block before, which a concatenation begins with.
    var last = (wide: width, narrow: narrow.width)
    for (wide, step) in zip(plan.steps, narrowPlan.steps) {
      // Attention's scores are divided by the root of its channels.
      guard wide.hasSkip || !step.hasSkip, !wide.attends || wide.outputs == step.outputs,
        Self.groupSize(wide.inputs) == Self.groupSize(step.inputs),
        Self.groupSize(wide.outputs) == Self.groupSize(step.outputs)
      else { return nil }
      let inputs =
        step.takesSkip
        ? Array(0..<last.narrow) + (last.narrow..<step.inputs).map { $0 + last.wide - last.narrow }
        : Array(0..<step.inputs)
      let outputs = Array(0..<step.outputs)
      let name = step.name
      places[name + ".norm0"] = (inputs, [])
      places[name + ".conv0"] = (outputs, inputs)
      places[name + ".affine"] = (outputs, Array(0..<4 * width))
      for part in [".norm1", ".norm2"] { places[name + part] = (outputs, []) }
      for part in [".conv1", ".proj"] { places[name + part] = (outputs, outputs) }
      places[name + ".skip"] = (outputs, inputs)
      places[name + ".qkv"] = (Array(0..<3 * step.outputs), outputs)
      last = (wide.outputs, step.outputs)
    }
    places[plan.outputNorm] = (Array(0..<narrowPlan.outputChannels), [])
    places[plan.output] = (Array(0..<outputChannels), Array(0..<narrowPlan.outputChannels))
    return places
  }

  /// Channels that are normalised together.
  private static func groupSize(_ channels: Int) -> Int {
    channels / GroupNorm.groups(for: channels)
  }
}
