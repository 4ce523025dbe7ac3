import Basics
import Foundation
import Records

/// The tensors of one network in a safetensors file, checked for names, shapes and finite values.
public struct Checkpoint: Sendable {
  /// The network's layout, from the metadata or inferred from the tensors.
  public let architecture: any NetworkArchitecture
  /// Whether the metadata had no architecture.
  public let isInferred: Bool
  /// The file.
  public let file: SafetensorsFile
  /// SHA-256 of names, dtypes, shapes and bytes of the parameters in name order: the same for the
  /// same weights whatever the metadata and the order in the file.
  public let sha256: String
  /// Number of parameters.
  public let parameterCount: Int
  /// Storage types, as `F32` or `BF16+F32`.
  public let dtype: String

  /// Opens and checks a checkpoint.
  ///
  /// - Throws: `ElbowError` for the file, `ElbowError` for its contents.
  public init(path: String) throws {
    file = try SafetensorsFile(path: path)
    var tensors = file.entries
    try Self.checkBuffers(file)
    // Buffers of public checkpoints: constant filters, and σ_data as a scalar.
    tensors = tensors.filter { !$0.key.hasSuffix("resample_filter") && $0.key != "sigma_data" }
    let shapes = tensors.mapValues(\.shape)
    if let text = file.metadata["architecture"] {
      do {
        architecture = try NetworkKinds.decode(Data(text.utf8))
      } catch let error as DecodingError {
        throw ElbowError(
          .damaged,
          "\(path): the metadata's architecture cannot be read (\(error.summary))")
      }
      isInferred = false
    } else {
      architecture = try UNetArchitecture.inferred(from: shapes, file: path)
      isInferred = true
    }
    if let problem = architecture.problem {
      throw ElbowError(.damaged, "\(path): the architecture \(problem)")
    }
    let expected = Dictionary(
      architecture.parameterShapes.map { ($0.name, $0.shape) }, uniquingKeysWith: { a, _ in a })
    for (name, shape) in expected.sorted(by: { $0.key < $1.key }) {
      guard let found = shapes[name] else {
        throw ElbowError(.damaged, "\(path): has no tensor '\(name)', expected shape \(shape)")
      }
      guard found == shape else {
        throw ElbowError(
          .damaged,
          "\(path): tensor '\(name)' has shape \(found), expected \(shape)")
      }
    }
    if let extra = shapes.keys.sorted().first(where: { expected[$0] == nil }) {
      throw ElbowError(
        .damaged,
        "\(path): has a tensor '\(extra)' that this architecture does not; the metadata and the "
          + "tensors disagree")
    }
    var hash = SHA256()
    for (name, entry) in tensors.sorted(by: { $0.key < $1.key }) {
      hash.update("\(name)\0\(entry.dtype.rawValue)\0\(entry.shape)\0")
      try file.bytes(entry) { hash.update($0) }
    }
    sha256 = hash.hexDigest()
    parameterCount = tensors.values.reduce(0) { $0 + $1.count }
    dtype = Set(tensors.values.map(\.dtype.rawValue)).sorted().joined(separator: "+")
  }

  /// Public checkpoints keep the resampling filter as a buffer; only the 2×2 mean is DDPM++.
  private static func checkBuffers(_ file: SafetensorsFile) throws {
    for name in file.entries.keys.sorted() where name.hasSuffix("resample_filter") {
      let values = try file.floats(name)
      guard values.count == 4, values.allSatisfy({ $0 == 0.25 }) else {
        throw ElbowError(
          .damaged,
          "\(file.path): buffer '\(name)' is not the 2×2 mean, so this is an NCSN++ network; Elbow "
            + "reads DDPM++ checkpoints (edm-*-vp)")
      }
    }
  }

  /// The architecture, of the kind that is needed.
  ///
  /// - Throws: `ElbowError` where the file holds another kind of network.
  public func architecture<A: NetworkArchitecture>(_ needed: A.Type) throws -> A {
    guard let found = architecture as? A else {
      let kind = type(of: architecture)
      throw ElbowError(
        .damaged,
        "\(file.path): is \(kind.title) (\(kind.kind)), not \(A.title) (\(A.kind)); \(kind.use)")
    }
    return found
  }

  /// Builds the denoiser.
  ///
  /// A class-conditional checkpoint without metadata is taken for a public one, trained without label
  /// dropout, so that it has no unconditional mode.
  ///
  /// - Parameter precision: of the products of its convolutions.
  /// - Throws: `ElbowError` for another kind of network, and where a weight is not finite.
  public func makeDenoiser(precision: Precision = .fp32) throws -> EDMDenoiser {
    let architecture = try architecture(UNetArchitecture.self)
    let network = try UNet(architecture, precision: precision) { name, _ in try finite(name) }
    return EDMDenoiser(network, isUnconditional: architecture.classes == 0 || !isInferred)
  }

  /// Builds the classifier.
  ///
  /// - Parameter precision: of the products of its convolutions.
  /// - Throws: `ElbowError` for another kind of network, and where a weight is not finite.
  public func makeResNet(precision: Precision = .fp32) throws -> ResNet {
    try ResNet(try architecture(ResNetArchitecture.self), precision: precision) { name, _ in
      try finite(name)
    }
  }

  /// Builds whichever network the checkpoint holds, to see that it can be.
  ///
  /// - Throws: `ElbowError` where a weight is not finite.
  public func check() throws {
    if architecture is ResNetArchitecture { _ = try makeResNet() } else { _ = try makeDenoiser() }
  }

  private func finite(_ name: String) throws -> [Float] {
    let values = try file.floats(name)
    guard values.allSatisfy(\.isFinite) else {
      throw ElbowError(
        .damaged,
        "\(file.path): tensor '\(name)' holds NaN or infinite weights; the training diverged "
          + "or the file is damaged")
    }
    return values
  }

  /// The record of this checkpoint under `name`.
  ///
  /// - Throws: `EncodingError` where the architecture holds a number that is not finite.
  public func record(name: String) throws -> ModelRecord {
    ModelRecord(
      sha256: sha256, name: name, dtype: dtype, parameters: parameterCount,
      architecture: try architecture.json)
  }
}

extension ModelRecord {
  /// Whether the recorded network gives all classes in one evaluation.
  public var isMultiHead: Bool {
    let decoded = try? JSONDecoder().decode(UNetArchitecture.self, from: Data(architecture.utf8))
    return (decoded?.heads ?? 1) > 1
  }
}

extension DecodingError {
  /// One line on what is missing or wrong.
  fileprivate var summary: String {
    switch self {
    case .keyNotFound(let key, _): "no '\(key.stringValue)'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
    @unknown default: "\(self)"
    }
  }
}
