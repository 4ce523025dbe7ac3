import Basics
import Records
import TensorCore

/// Sizes and layout of one kind of network: what a checkpoint's metadata says, and what decides the
/// names and shapes of its parameters.
public protocol NetworkArchitecture: Codable, Sendable {
  /// The kind's name, written as `kind`.
  static var kind: String { get }
  /// What a network of this kind is, as `a diffusion model`.
  static var title: String { get }
  /// How one is used, as `run it with --classifier dc or rdc`.
  static var use: String { get }
  /// Side of the square images, or length of signals.
  var resolution: Int { get }
  /// 2 for images, 1 for signals: images of one row.
  var dimensions: Int { get }
  /// Colour channels.
  var channels: Int { get }
  /// Classes K.
  var classes: Int { get }
  /// Every size with the values that it may have, checked before anything is made of them.
  var sizes: [NetworkSize] { get }
  /// What else makes the sizes impossible, nil where they fit one another; asked where each is within
  /// its bounds.
  var misfit: String? { get }
  /// Every parameter with its shape, in evaluation order.
  var parameterShapes: [(name: String, shape: [Int])] { get }
  /// Multiplications and additions of one forward pass of one image: convolutions counted directly;
  /// norms and activations left out.
  var floatingPointOperations: Int { get }
  /// The sizes that are this kind's own, for people to read.
  var properties: [(name: String, value: JSONValue)] { get }
}

extension NetworkArchitecture {
  /// Most parameters of a network: 1 GiB of them.
  private static var mostParameters: Int { 1 << 28 }

  /// What makes the sizes impossible, nil where they are sound.
  ///
  /// Sizes come from files that anybody may have written. Within their bounds no product of them
  /// overflows, and what is listed by them is short.
  public var problem: String? {
    if let problem = sizes.lazy.compactMap(\.problem).first ?? misfit { return problem }
    let count = parameterShapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
    guard count <= Self.mostParameters else {
      return "has \(count) parameters, expected at most \(Self.mostParameters)"
    }
    return nil
  }

  /// Size of the images.
  public var shape: ImageShape {
    ImageShape(
      channels: channels, height: dimensions == 1 ? 1 : resolution, width: resolution)
  }

  /// Most rows and columns of images, and points of signals.
  var longest: Int { dimensions == 1 ? 1 << 14 : 512 }

  /// Sizes of a filter, as the shape of its weights has them: `[side, side]`, of signals `[side]`.
  func filter(_ side: Int) -> [Int] { Array(repeating: side, count: dimensions) }

  /// Values of one channel of a map of `side`.
  func area(_ side: Int) -> Int { dimensions == 1 ? side : side * side }

  /// What the names of a map's parameters call it: `28x28`, of a signal `28`.
  func place(_ side: Int) -> String { filter(side).map(String.init).joined(separator: "x") }

  /// As a checkpoint's metadata holds it.
  ///
  /// - Throws: `EncodingError` where a number is not finite.
  public var json: String { get throws { try JSONValue(encoding: self).canonical } }
}
