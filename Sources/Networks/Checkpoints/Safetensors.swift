import Basics
import Foundation
import Records

/// A safetensors file: a JSON header, then the tensors' bytes, read one tensor at a time.
///
/// The file stays open, so a checkpoint that a training replaces is read on as it was.
///
/// **Source** github.com/huggingface/safetensors, "Format".
public struct SafetensorsFile: Sendable {
  /// Element types that can be read.
  public enum DType: String, Sendable, CaseIterable {
    /// Float32.
    case f32 = "F32"
    /// Float16.
    case f16 = "F16"
    /// The upper half of a Float32.
    case bf16 = "BF16"
    /// Signed integers of 32 bits.
    case i32 = "I32"
    /// Signed integers of 64 bits.
    case i64 = "I64"

    /// Bytes an element.
    public var size: Int {
      switch self {
      case .f16, .bf16: 2
      case .f32, .i32: 4
      case .i64: 8
      }
    }
  }

  /// One tensor's place in the file.
  public struct Entry: Sendable {
    /// Element type.
    public let dtype: DType
    /// Shape, outermost first.
    public let shape: [Int]
    /// Bytes, counted from the end of the header.
    public let range: Range<Int>
    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
  }

  /// Path as given.
  public let path: String
  /// Free text pairs of the header's `__metadata__`.
  public let metadata: [String: String]
  /// Tensors by name.
  public let entries: [String: Entry]
  private let handle: FileHandle
  private let start: Int

  /// Longest header accepted, as in the reference implementation.
  private static let headerLimit = 100_000_000

  /// Opens the file and checks its header.
  ///
  /// - Throws: `ElbowError` for a file that is missing, truncated, or breaks the format.
  public init(path: String) throws {
    self.path = path
    let file = try RegularFile(path)
    let size = file.size
    handle = file.handle
    guard size >= 8 else {
      throw ElbowError(
        .damaged,
        "\(path): \(size) bytes is no safetensors file; convert .pt and .pkl files first")
    }
    let length = try Self.read(handle, 0..<8, path) {
      UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
    }
    guard length >= 2, length <= UInt64(Self.headerLimit), length <= UInt64(size - 8) else {
      throw ElbowError(
        .damaged,
        "\(path): the header claims \(length) bytes of a file of \(size); this is no safetensors file "
          + "or it is truncated: convert or copy it again")
    }
    start = 8 + Int(length)
    let text = try Self.read(handle, 8..<start, path) { Data($0) }
    let header: JSONValue
    do {
      header = try JSONDecoder().decode(JSONValue.self, from: text)
    } catch {
      throw ElbowError(.damaged, "\(path): the header is not JSON: convert the file again")
    }
    guard case .object(let members) = header else {
      throw ElbowError(.damaged, "\(path): the header is not a JSON object")
    }
    var metadata: [String: String] = [:]
    var entries: [String: Entry] = [:]
    for (name, value) in members {
      if name == "__metadata__" {
        guard case .object(let pairs) = value else {
          throw ElbowError(.damaged, "\(path): __metadata__ is not an object")
        }
        for case (let key, .string(let text)) in pairs { metadata[key] = text }
      } else {
        entries[name] = try Self.entry(name, value, path)
      }
    }
    try Self.checkCoverage(entries, bytes: size - start, path)
    self.metadata = metadata
    self.entries = entries
  }

  private static func entry(_ name: String, _ value: JSONValue, _ path: String) throws -> Entry {
    func fail(_ problem: String) -> ElbowError {
      ElbowError(.damaged, "\(path): tensor '\(name)' \(problem)")
    }
    guard case .object(let fields) = value, case .string(let type)? = fields["dtype"],
      case .array(let sizes)? = fields["shape"], case .array(let offsets)? = fields["data_offsets"]
    else { throw fail("lacks dtype, shape or data_offsets") }
    guard let dtype = DType(rawValue: type) else {
      let known = DType.allCases.map(\.rawValue).joined(separator: ", ")
      throw fail("has dtype \(type); Elbow reads \(known)")
    }
    func integers(_ values: [JSONValue]) -> [Int]? {
      let result = values.compactMap { value -> Int? in
        guard case .number(let n) = value, n >= 0, n < 1e15, n == n.rounded() else { return nil }
        return Int(n)
      }
      return result.count == values.count ? result : nil
    }
    guard let shape = integers(sizes), let ends = integers(offsets), ends.count == 2,
      ends[0] <= ends[1]
    else { throw fail("has a malformed shape or data_offsets") }
    var bytes = dtype.size
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fail("has an impossible shape \(shape)") }
      bytes = product
    }
    guard bytes == ends[1] - ends[0] else {
      throw fail(
        "of shape \(shape) and type \(type) needs \(bytes) bytes, the header gives "
          + "\(ends[1] - ends[0])")
    }
    return Entry(dtype: dtype, shape: shape, range: ends[0]..<ends[1])
  }

  /// The tensors must fill the rest of the file without gaps or overlaps.
  private static func checkCoverage(
    _ entries: [String: Entry], bytes: Int, _ path: String
  ) throws {
    var end = 0
    for (name, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        throw ElbowError(
          .damaged,
          "\(path): tensor '\(name)' begins at byte \(entry.range.lowerBound), expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == bytes else {
      throw ElbowError(
        .damaged,
        "\(path): holds \(bytes) bytes of tensors, the header describes \(end)"
          + (bytes < end ? ": the file is truncated, copy it again" : ""))
    }
  }

  /// The values of a tensor, row-major, converted to Float.
  ///
  /// - Throws: `ElbowError` where there is no such tensor, or the file has shrunk.
  public func floats(_ name: String) throws -> [Float] {
    let entry = try entry(name)
    return try bytes(entry) { raw in
      (0..<entry.count).map { i in
        switch entry.dtype {
        case .f32:
          Float(
            bitPattern: UInt32(
              littleEndian: raw.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)))
        case .f16:
          Self.half(UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
        case .bf16:
          Float(
            bitPattern: UInt32(
              UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))) << 16
          )
        case .i32:
          Float(Int32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)))
        case .i64:
          Float(Int64(littleEndian: raw.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self)))
        }
      }
    }
  }

  /// The named tensor's place.
  ///
  /// - Throws: `ElbowError` where there is none.
  public func entry(_ name: String) throws -> Entry {
    guard let entry = entries[name] else {
      throw ElbowError(
        .damaged,
        "\(path): has no tensor '\(name)'\(didYouMean(name, among: Array(entries.keys)))")
    }
    return entry
  }

  /// Calls `body` with a tensor's bytes as they lie in the file.
  ///
  /// - Throws: `ElbowError` where the file has shrunk; what `body` throws.
  public func bytes<R>(_ entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    try Self.read(
      handle, start + entry.range.lowerBound..<start + entry.range.upperBound, path, body)
  }

  private static func read<R>(
    _ handle: FileHandle, _ range: Range<Int>, _ path: String,
    _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 16)
    defer { buffer.deallocate() }
    var done = 0
    while done < range.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(
        handle.fileDescriptor, rest.baseAddress, rest.count, off_t(range.lowerBound + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let reason = count < 0 ? String(cString: strerror(errno)) : "it is shorter than before"
        throw ElbowError(.inaccessible, "\(path): cannot be read any more: \(reason)")
      }
      done += count
    }
    return try body(UnsafeRawBufferPointer(buffer))
  }

  /// IEEE 754 binary16 to Float, exact.
  static func half(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10) & 31
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return sign * Float(fraction) * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * Float(bitPattern: UInt32(exponent + 112) << 23 | fraction << 13)
    }
  }
}
