import Basics
import Networks

/// A network's parameters in one vector, each tensor row-major, in the order of
/// its architecture's `parameterShapes`.
public struct ParameterVector: Sendable {
  /// The network's layout.
  public let architecture: any NetworkArchitecture
  /// All parameters.
  package var values: [Float]
  private let ranges: [String: Range<Int>]

  /// - Parameter read: the values of the named parameter, row-major in the shape given.
  /// - Throws: what `read` throws.
  public init(
    _ architecture: any NetworkArchitecture,
    read: (_ name: String, _ shape: [Int]) throws -> [Float]
  ) rethrows {
    self.architecture = architecture
    var values: [Float] = []
    var ranges: [String: Range<Int>] = [:]
    for (name, shape) in architecture.parameterShapes {
      let tensor = try read(name, shape)
      precondition(
        tensor.count == shape.reduce(1, *), "\(name): \(tensor.count) values for \(shape)")
      ranges[name] = values.count..<values.count + tensor.count
      values += tensor
    }
    self.values = values
    self.ranges = ranges
  }

  /// The parameters under their names.
  package var named: [String: [Float]] { ranges.mapValues { Array(values[$0]) } }

  /// The denoiser with these parameters; one trained with label dropout is unconditional as well.
  ///
  /// - Parameter precision: of the products of its convolutions.
  /// - Throws: nothing but what building a network of this architecture does.
  package func makeDenoiser(precision: Precision = .fp32) throws -> EDMDenoiser {
    guard let architecture = architecture as? UNetArchitecture else {
      preconditionFailure("a denoiser of \(architecture)")
    }
    return EDMDenoiser(
      try UNet(architecture, precision: precision) { name, _ in tensor(name) },
      isUnconditional: true)
  }

  /// The classifier with these parameters.
  ///
  /// - Throws: nothing but what building a network of this architecture does.
  package func makeResNet() throws -> ResNet {
    guard let architecture = architecture as? ResNetArchitecture else {
      preconditionFailure("a classifier of \(architecture)")
    }
    return try ResNet(architecture) { name, _ in tensor(name) }
  }

  private func tensor(_ name: String) -> [Float] {
    guard let range = ranges[name] else { preconditionFailure("no parameter \(name)") }
    return Array(values[range])
  }

  /// Writes named tensors to their places in a vector of this layout; the rest stays.
  func scatter(_ tensors: [String: [Float]], into vector: inout [Float]) {
    for (name, tensor) in tensors {
      guard let range = ranges[name] else { preconditionFailure("no parameter \(name)") }
      vector.replaceSubrange(range, with: tensor)
    }
  }
}
