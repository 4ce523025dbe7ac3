/// What an array of a NumPy archive is, before its values.
///
/// **Source** NumPy's format 1.0 (numpy.lib.format).
package struct NumPyArray: Hashable, Sendable {
  /// Types of values, little-endian.
  package enum Kind: Hashable, Sendable {
    case float32, float64, int64
    /// Texts of at most so many Unicode scalars.
    case text(Int)
  }

  /// Name under which it is read.
  package let name: String
  /// Type of its values.
  package let kind: Kind
  /// Sizes, the last varying fastest; none: a single value.
  package let shape: [Int]

  /// The array as described.
  package init(_ name: String, _ kind: Kind, _ shape: [Int]) {
    (self.name, self.kind, self.shape) = (name, kind, shape)
  }

  /// Bytes of a value.
  private var width: Int {
    switch kind {
    case .float32: 4
    case .float64, .int64: 8
    case .text(let length): 4 * max(length, 1)
    }
  }

  private var spelling: String {
    switch kind {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int64: "<i8"
    case .text(let length): "<U\(max(length, 1))"
    }
  }

  /// Bytes of all values.
  package var size: Int { shape.reduce(width, *) }

  /// What stands before the values in a file.
  package var header: [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    var text = "{'descr': '\(spelling)', 'fortran_order': False, 'shape': (\(sizes)), }"
    let before = 10
    text += String(repeating: " ", count: 63 - (before + text.utf8.count) % 64) + "\n"
    let length = text.utf8.count
    return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + text.utf8
  }

  /// A value's bytes; a text's, filled up with zeros.
  ///
  /// - Parameter text: of at most as many scalars as the type holds.
  package func bytes(_ text: String) -> [UInt8] {
    let scalars = text.unicodeScalars.flatMap { scalar in
      (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * $0)) }
    }
    return scalars + Array(repeating: 0, count: max(0, width - scalars.count))
  }
}
