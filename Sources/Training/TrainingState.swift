import Basics
import Foundation
import Networks
import Records

/// All that a training has come to: with the recipe it decides every later step.
public struct TrainingState: Sendable {
  /// ULID of the training.
  package let id: String
  /// θ.
  package internal(set) var parameters: ParameterVector
  /// Exponential moving average of θ.
  package internal(set) var average: ParameterVector
  /// Adam's moments and number of steps.
  package internal(set) var optimizer: Adam

  /// The state before the first step.
  public init(_ parameters: ParameterVector, weightDecay: Double = 0) {
    id = ULID.make()
    self.parameters = parameters
    average = parameters
    optimizer = Adam(count: parameters.values.count)
    optimizer.weightDecay = weightDecay
  }

  /// One step of Adam, and of the moving average after it.
  mutating func step(_ gradient: [Float], rate: Double, decay: Double) {
    optimizer.step(&parameters.values, gradient: gradient, rate: rate)
    mix(parameters.values, into: &average.values, share: Float(1 - decay))
  }

  /// Writes the state to `path` at once, with what identifies the training.
  ///
  /// - Throws: what the file system throws.
  package func write(to path: String, identity: String) throws {
    func tensor(_ values: [Float]) -> SafetensorsWriter.Tensor {
      SafetensorsWriter.Tensor(shape: [values.count], values: values)
    }
    try SafetensorsWriter.write(
      [
        "parameters": tensor(parameters.values), "average": tensor(average.values),
        "adam.first": tensor(optimizer.first), "adam.second": tensor(optimizer.second),
      ], metadata: ["id": id, "identity": identity, "steps": String(optimizer.steps)], to: path)
  }

  /// Reads what `write` wrote for the same training.
  ///
  /// - Parameter start: a vector of the training's layout.
  /// - Throws: `ElbowError` for another training's file, `ElbowError` for a damaged one.
  public init(
    path: String, identity: String, start: ParameterVector, weightDecay: Double = 0
  ) throws {
    let file = try SafetensorsFile(path: path)
    guard file.metadata["identity"] == identity, let id = file.metadata["id"],
      let steps = file.metadata["steps"].flatMap(Int.init), (0...1 << 53).contains(steps)
    else {
      throw ElbowError(
        .damaged,
        "\(path): belongs to a training with another recipe or other images; put them back, or "
          + "remove the file to begin anew")
    }
    func values(_ name: String) throws -> [Float] {
      let values = try file.floats(name)
      guard values.count == start.values.count, values.allSatisfy(\.isFinite) else {
        throw ElbowError(.damaged, "\(path): '\(name)' is damaged; remove the file to begin anew")
      }
      return values
    }
    self.id = id
    (parameters, average) = (start, start)
    parameters.values = try values("parameters")
    average.values = try values("average")
    optimizer = Adam(
      first: try values("adam.first"), second: try values("adam.second"), steps: steps)
    optimizer.weightDecay = weightDecay
  }
}

/// target ← target + share·(values − target).
private func mix(_ values: [Float], into target: inout [Float], share: Float) {
  var target = target.mutableSpan
  let values = values.span
  for i in values.indices { target[i] += share * (values[i] - target[i]) }
}
