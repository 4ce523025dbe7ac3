import Basics
import Foundation
import Records

/// Writes safetensors files.
public enum SafetensorsWriter {
  /// One tensor to write.
  public struct Tensor: Sendable {
    var dtype: SafetensorsFile.DType
    var shape: [Int]
    var values: [Float]

    /// - Parameters:
    ///   - dtype: F32, F16 or BF16 (rounded to nearest, ties to even), or I32 (whole numbers).
    ///   - shape: outermost first.
    ///   - values: row-major.
    public init(dtype: SafetensorsFile.DType = .f32, shape: [Int], values: [Float]) {
      precondition(
        values.count == shape.reduce(1, *), "\(values.count) values for the shape \(shape)")
      precondition(dtype != .i64, "I64 is read, not written")
      self.dtype = dtype
      self.shape = shape
      self.values = values
    }
  }

  /// Writes `tensors`, in the order of their names, to `path` at once: a reader sees the old file or
  /// the whole new one.
  ///
  /// - Throws: what the file system throws.
  public static func write(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String
  ) throws {
    let sorted = tensors.sorted { $0.key < $1.key }
    var header: [String: JSONValue] = [:]
    if !metadata.isEmpty { header["__metadata__"] = .object(metadata.mapValues { .string($0) }) }
    var offset = 0
    for (name, tensor) in sorted {
      let end = offset + tensor.values.count * tensor.dtype.size
      header[name] = .object([
        "dtype": .string(tensor.dtype.rawValue),
        "shape": .array(tensor.shape.map { .number(Double($0)) }),
        "data_offsets": .array([.number(Double(offset)), .number(Double(end))]),
      ])
      offset = end
    }
    var text = Array(JSONValue.object(header).canonical.utf8)
    while text.count % 8 != 0 { text.append(0x20) }
    var data = Data(capacity: 8 + text.count + offset)
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: text)
    for (_, tensor) in sorted {
      switch tensor.dtype {
      case .f32: append(tensor.values.map(\.bitPattern.littleEndian), to: &data)
      case .f16: append(tensor.values.map { half($0).littleEndian }, to: &data)
      case .bf16: append(tensor.values.map { brainFloat($0).littleEndian }, to: &data)
      case .i32, .i64: append(tensor.values.map { Int32($0).littleEndian }, to: &data)
      }
    }
    try WholeFile.write(data, to: path)
  }

  private static func append<T>(_ values: [T], to data: inout Data) {
    values.withUnsafeBytes { data.append(contentsOf: $0) }
  }

  /// Nearest binary16, ties to even.
  static func half(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16) & 0x8000
    if value.isNaN { return sign | 0x7E00 }
    let magnitude = value.magnitude
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 {
      // Subnormals count in units of 2⁻²⁴; a carry into the exponent is right as it is.
      return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    let rounded = (bits & 0x7FFF_FFFF) + 0xFFF + (bits >> 13 & 1)
    return sign | UInt16((rounded >> 13) - (112 << 10))
  }

  /// Nearest bfloat16, ties to even.
  static func brainFloat(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }
}
