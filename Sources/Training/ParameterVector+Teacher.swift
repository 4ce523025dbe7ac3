import Basics
import Networks
import Records

extension ParameterVector {
  /// A multi-head network that begins as its teacher's unconditional mode, the same from every head.
  ///
  /// The teacher's label bias becomes part of the noise embedding. Channels that the teacher has not
  /// got begin at random and, at first, feed none that it has, so that they change nothing.
  ///
  /// - Throws: `ElbowError` where the teacher is no part of this architecture, what reading
  ///   its file throws.
  package static func multiHead(
    _ architecture: UNetArchitecture, from teacher: Checkpoint, seed: UInt64
  ) throws -> ParameterVector {
    let narrow = try teacher.architecture(UNetArchitecture.self)
    guard let places = architecture.places(of: narrow), narrow.heads == 1 else {
      throw ElbowError(
        .malformed,
        "'init: teacher' needs the teacher's width, blocks and attention_resolutions, multipliers no "
          + "smaller than its \(narrow.multipliers), growing wherever those do, and its own where it "
          + "attends")
    }
    let random = Self.random(architecture, seed: seed).named
    return try ParameterVector(architecture) { name, shape in
      let layer = String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
      guard let place = places[layer] else {
        // The noise embedding.
        let values = try teacher.file.floats(name)
        return name == "model.map_layer0.bias" ? try folded(values, teacher) : values
      }
      var tensor = Tensor(shape: shape, values: random[name] ?? [])
      guard teacher.file.entries[name] != nil else {
        // A skip path of its own, where the teacher's is the identity.
        if name.hasSuffix(".weight") { tensor.setIdentity(place) }
        return tensor.values
      }
      var values = try teacher.file.floats(name)
      if layer.hasSuffix("aux_conv") {
        values = Array(repeatElement(values, count: architecture.heads).joined())
      }
      tensor.embed(values, place)
      return tensor.values
    }
  }

  /// layer0's bias with W₀·b_label added, which the teacher adds to its input.
  private static func folded(_ bias: [Float], _ teacher: Checkpoint) throws -> [Float] {
    guard teacher.file.entries["model.map_label.bias"] != nil else { return bias }
    let label = try teacher.file.floats("model.map_label.bias")
    let weight = try teacher.file.floats("model.map_layer0.weight")
    return bias.indices.map { row in
      let products = label.indices.map { weight[row * label.count + $0] * label[$0] }
      return bias[row] + products.reduce(0, +)
    }
  }
}

/// A layer's weight or bias: rows of outputs, columns of inputs, kernels.
private struct Tensor {
  let rowLength, area: Int
  var values: [Float]

  init(shape: [Int], values: [Float]) {
    rowLength = shape.dropFirst().reduce(1, *)
    area = shape.dropFirst(2).reduce(1, *)
    self.values = values
  }

  /// Puts a narrower layer's values in their places; its rows read nothing else.
  mutating func embed(_ narrow: [Float], _ place: (outputs: [Int], inputs: [Int])) {
    let columns = rowLength == 1 && area == 1 ? [0] : place.inputs
    for (row, target) in place.outputs.enumerated() {
      clear(row: target)
      for (column, offset) in columns.enumerated() {
        let source = (row * columns.count + column) * area
        let start = target * rowLength + offset * area
        values.replaceSubrange(start..<start + area, with: narrow[source..<source + area])
      }
    }
  }

  /// Makes the narrower layer's rows copy their inputs.
  mutating func setIdentity(_ place: (outputs: [Int], inputs: [Int])) {
    for (row, target) in place.outputs.enumerated() {
      clear(row: target)
      values[target * rowLength + place.inputs[row] * area] = 1
    }
  }

  private mutating func clear(row: Int) {
    for i in row * rowLength..<(row + 1) * rowLength { values[i] = 0 }
  }
}
