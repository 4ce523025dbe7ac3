import Basics
import Foundation
import RunStore

/// Lines of metrics.
extension Ingest {
  func takeMetrics(_ fields: inout IngestFields, _ run: Int) throws {
    guard let step = try fields.count("step") else {
      throw ElbowError(.malformed, "'step' is missing")
    }
    let time = try milliseconds(fields.real("time"))
    guard var values = try fields.object("values") else {
      throw ElbowError(.malformed, "'values' are missing")
    }
    try fields.finish(Self.metricFields)
    let first = writer.pointCount
    for (guess, (name, value)) in values.rest().sorted(by: { $0.key < $1.key }).enumerated() {
      guard let number = value == .null ? .nan : value.measurement else {
        throw ElbowError(.malformed, "'values.\(name)' must be a number")
      }
      try Array(name.utf8).withUnsafeBufferPointer {
        try writer.log(run, $0, guess: guess, number)
      }
    }
    writer.setPlace(from: first, step: step, time: time)
  }

  /// When: as told in seconds since 1970, else when the line came in.
  private func milliseconds(_ time: Double?) throws -> Int {
    guard let time else { return now }
    guard time.magnitude < 1e11 else {
      throw ElbowError(.malformed, "'time' must be in seconds since 1970")
    }
    return Int((time * 1000).rounded())
  }

  /// Takes a line of metrics as programs write them by the million, where it lies.
  ///
  /// - Returns: false where it is another, or an odd one, and nothing was taken.
  func takeMetrics(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    var scanner = JSONScanner(line)
    guard scanner.take("{"), scanner.text()?.equals("type") == true, scanner.take(":"),
      scanner.text()?.equals("metrics") == true
    else { return false }
    let first = writer.pointCount
    if let place = try? readMetrics(&scanner), writer.pointCount > first {
      writer.setPlace(from: first, step: place.step, time: place.time)
      return true
    }
    writer.dropPoints(from: first)
    return false
  }

  private func readMetrics(_ scanner: inout JSONScanner) throws -> (step: Int, time: Int)? {
    var run: Int?
    var step: Int?
    var time = now
    while scanner.take(",") {
      guard let key = scanner.text(), scanner.take(":") else { return nil }
      if key.equals("run") {
        guard let name = scanner.text() else { return nil }
        run = try index(name)
      } else if key.equals("step") {
        guard let number = scanner.number(), let exact = Int(exactly: number),
          0...IngestFields.largest ~= exact
        else { return nil }
        step = exact
      } else if key.equals("time") {
        time = try milliseconds(scanner.number() ?? .nan)
      } else if key.equals("values") {
        guard let run, scanner.take("{") else { return nil }
        var guess = 0
        repeat {
          guard let name = scanner.text(), scanner.take(":") else { return nil }
          guard let value = scanner.number() ?? (scanner.null() ? .nan : nil) else { return nil }
          try writer.log(run, name, guess: guess, value)
          guess += 1
        } while scanner.take(",")
        guard scanner.take("}") else { return nil }
      } else {
        return nil
      }
    }
    guard scanner.take("}"), scanner.isAtEnd, let step else { return nil }
    return (step, time)
  }

  private func index(_ key: UnsafeBufferPointer<UInt8>) throws -> Int {
    if last.key.elementsEqual(key) { return last.run }
    let run = try writer.index(String(decoding: key, as: UTF8.self))
    last = (Array(key), run)
    return run
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether these are the bytes of `text`.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount, let baseAddress else {
      return count == text.utf8CodeUnitCount
    }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}
