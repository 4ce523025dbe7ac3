import Basics
import Foundation
import Records

/// Metrics as texts.
package enum MetricLines {
  /// Values from `KEY=VALUE` texts.
  ///
  /// - Throws: `ElbowError`.
  package static func values(_ texts: [String]) throws -> [String: Double] {
    var values: [String: Double] = [:]
    for text in texts {
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty, let value = Double(pair[1]) else {
        throw ElbowError(.malformed, "a metric is KEY=NUMBER, as loss=0.25, got '\(text)'")
      }
      guard values.updateValue(value, forKey: String(pair[0])) == nil else {
        throw ElbowError(.malformed, "'\(pair[0])' is given twice")
      }
    }
    return values
  }

  /// How long an entry waits for the next one before it goes to the disk.
  private static let patience = Duration.milliseconds(300)

  /// Reads entries from a stream to its end, line by line.
  ///
  /// - Parameters:
  ///   - input: the stream.
  ///   - log: takes each.
  ///   - flush: called when none has come for a moment, and before an error goes on: what was said is
  ///     recorded, whatever comes of the one who says it.
  /// - Throws: `ElbowError` for a line out of form, naming it.
  package static func read(
    _ input: LineInput, _ log: (MetricEntry) throws -> Void,
    flushing flush: () throws -> Void
  ) throws {
    var number = 0
    var isWaiting = false
    while true {
      let line: String
      switch try input.next(within: isWaiting ? patience : nil) {
      case .line(let text): line = text
      case .quiet:
        try flush()
        isWaiting = false
        continue
      case .end, .stopped:
        try flush()
        return
      }
      number += 1
      guard !line.allSatisfy(\.isWhitespace) else { continue }
      guard let entry = entry(line) else {
        try flush()
        throw ElbowError(
          .malformed,
          "line \(number) is neither a JSON object of numbers nor 'step key value': "
            + "'\(line.prefix(80))'; the lines before it are recorded")
      }
      isWaiting = true
      do { try log(entry) } catch let error as ElbowError {
        throw error.prefixed("line \(number), or one just before it")
      }
    }
  }

  /// The entry of one line, nil where it is out of form.
  package static func entry(_ line: String) -> MetricEntry? {
    guard line.first(where: { !$0.isWhitespace }) == "{" else {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 3, let step = Int(words[0]), let value = Double(words[2]) else {
        return nil
      }
      return MetricEntry([String(words[1]): value], step: step)
    }
    guard var fields = numbers(line) else { return nil }
    var entry = MetricEntry([:])
    if let step = fields.removeValue(forKey: "step") {
      guard let exact = Int(exactly: step) else { return nil }
      entry.step = exact
    }
    if let time = fields.removeValue(forKey: "time") {
      guard time.magnitude < 1e11 else { return nil }
      entry.time = Date(timeIntervalSince1970: time)
    }
    entry.values = fields
    return fields.isEmpty ? nil : entry
  }

  /// The members of an object of numbers, of names of those that JSON has no word for, and of null,
  /// which is not a number; nil where it is another thing.
  private static func numbers(_ line: String) -> [String: Double]? {
    // With a byte behind it that is no part of a number.
    var bytes = Array(line.utf8)
    bytes.append(0x0A)
    let value = bytes.withUnsafeBufferPointer {
      try? JSONValue(lenient: UnsafeBufferPointer(rebasing: $0.dropLast()))
    }
    guard case .object(let members)? = value else { return nil }
    var numbers: [String: Double] = [:]
    for (name, value) in members {
      guard let number = value == .null ? .nan : value.measurement else { return nil }
      numbers[name] = number
    }
    return numbers
  }
}
