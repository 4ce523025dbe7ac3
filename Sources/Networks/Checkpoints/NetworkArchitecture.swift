import Basics
import Records

/// Sizes and layout of one kind of network: what a checkpoint's metadata says, and what decides the
/// names and shapes of its parameters.
public protocol NetworkArchitecture: Codable, Sendable {
  /// The kind's name, written as `kind`.
  static var kind: String { get }
  /// What a network of this kind is, as `a diffusion model`.
  static var title: String { get }
  /// How one is used, as `run it with --classifier dc or rdc`.
  static var use: String { get }
  /// Side of the square images.
  var resolution: Int { get }
  /// Colour channels.
  var channels: Int { get }
  /// Classes K.
  var classes: Int { get }
  /// What makes the sizes impossible, nil where they are sound.
  var problem: String? { get }
  /// Every parameter with its shape, in evaluation order.
  var parameterShapes: [(name: String, shape: [Int])] { get }
  /// Multiplications and additions of one forward pass of one image: convolutions counted directly;
  /// norms and activations left out.
  var floatingPointOperations: Int { get }
  /// The sizes that are this kind's own, for people to read.
  var properties: [(name: String, value: JSONValue)] { get }
}

extension NetworkArchitecture {
  /// As a checkpoint's metadata holds it.
  ///
  /// - Throws: `EncodingError` where a number is not finite.
  public var json: String { get throws { try JSONValue(encoding: self).canonical } }
}
