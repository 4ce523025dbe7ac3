import Basics
import Foundation
import GRDB

/// A row that belongs to a run, whose values are checked as they are read: a file may hold anything,
/// whoever wrote it.
struct CheckedRow {
  private let row: Row
  private let run: String
  private let file: String

  /// A row of `run` in `file`.
  init(_ row: Row, of run: String, in file: String) {
    (self.row, self.run, self.file) = (row, run, file)
  }

  /// The error of a value that cannot be what it should.
  ///
  /// - Parameters:
  ///   - index: of the column.
  ///   - why: what is wrong with it, as `is NULL`.
  func damaged(_ index: Int, _ why: String) -> ElbowError {
    let names = Array(row.columnNames)
    return ElbowError(
      damaged: names.indices.contains(index) ? names[index] : "\(index)", why, run: run, in: file)
  }

  private func value(_ index: Int) -> DatabaseValue.Storage {
    (row[index] as DatabaseValue).storage
  }

  /// Whether there is no value.
  func isNull(_ index: Int) -> Bool { row.hasNull(atIndex: index) }

  // MARK: Values that must be there

  /// A text.
  func text(_ index: Int) throws -> String {
    if case .string(let text) = value(index) { return text }
    throw unexpected(index, "text")
  }

  /// A whole number.
  func integer(_ index: Int, in range: ClosedRange<Int> = 0...1 << 53) throws -> Int {
    guard case .int64(let number) = value(index) else { throw unexpected(index, "whole number") }
    guard let integer = Int(exactly: number), range.contains(integer) else {
      throw damaged(
        index, "is \(number), which is not from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  /// A number.
  func real(_ index: Int) throws -> Double {
    switch value(index) {
    case .double(let number): return number
    case .int64(let number): return Double(number)
    default: throw unexpected(index, "number")
    }
  }

  /// 0 or 1.
  func flag(_ index: Int) throws -> Bool { try integer(index, in: 0...1) == 1 }

  /// A seed, which SQLite keeps as a number with a sign.
  func seed(_ index: Int) throws -> UInt64 {
    guard case .int64(let number) = value(index) else { throw unexpected(index, "whole number") }
    return UInt64(bitPattern: number)
  }

  /// What the JSON in a text says.
  func json<T>(_ index: Int, _ read: (String) throws -> T) throws -> T {
    let text = try text(index)
    do { return try read(text) } catch let error as DecodingError {
      throw damaged(index, "cannot be read (\(error))")
    }
  }

  /// Float32, little-endian.
  func floats(_ index: Int) throws -> [Float] { try Blob.floats(bytes(index, of: 4)) }

  /// Bytes of any meaning.
  func data(_ index: Int) throws -> Data { try bytes(index, of: 1) }

  private func bytes(_ index: Int, of size: Int) throws -> Data {
    guard case .blob(let data) = value(index) else { throw unexpected(index, "blob") }
    guard data.count.isMultiple(of: size) else {
      throw damaged(index, "has \(data.count.counted("byte")), which is no multiple of \(size)")
    }
    return data
  }

  // MARK: Values that may be missing

  /// A text, nil where there is none.
  func optionalText(_ index: Int) throws -> String? { isNull(index) ? nil : try text(index) }

  /// A whole number, nil where there is none.
  func optionalInteger(_ index: Int, in range: ClosedRange<Int> = 0...1 << 53) throws -> Int? {
    isNull(index) ? nil : try integer(index, in: range)
  }

  /// A number, nil where there is none.
  func optionalReal(_ index: Int) throws -> Double? { isNull(index) ? nil : try real(index) }

  /// A seed, nil where there is none.
  func optionalSeed(_ index: Int) throws -> UInt64? { isNull(index) ? nil : try seed(index) }

  private func unexpected(_ index: Int, _ wanted: String) -> ElbowError {
    damaged(index, isNull(index) ? "is NULL" : "is no \(wanted)")
  }
}

extension ElbowError {
  /// Of a value in a run's records that cannot be what it should.
  init(damaged column: String, _ why: String, run: String, in file: String) {
    self.init(
      .damaged,
      "\(file): '\(column)' of run \(run) \(why): the record is damaged; restore a backup of the "
        + "database")
  }
}
