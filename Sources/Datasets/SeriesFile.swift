import Basics
import Foundation
import TensorCore

/// What a `.ts` file holds: lines beginning with `#` and `@` that describe the set, `@data`, and one
/// line a series, its channels and then its class with `:` between them, values with `,`.
struct SeriesFile {
  /// The file.
  let path: String
  /// Channels, 1, points.
  let shape: ImageShape
  /// Names of the classes, in the order of the header.
  let classNames: [String]
  /// True classes, `[count]`.
  private(set) var labels: [UInt8] = []
  /// In the file's unit, `[count, channels, points]`.
  private(set) var values: [Float] = []

  /// Bytes of the largest file.
  private static let largest = 1 << 28

  /// - Throws: `ElbowError` for a file that is not there, and for one that is no set of labelled
  ///   series of equal length.
  init(path: String, remedy: String) throws {
    self.path = path
    func fail(_ line: Int?, _ problem: String) -> ElbowError {
      ElbowError(
        .damaged, "\(path)\(line.map { ", line \($0 + 1)" } ?? ""): \(problem); \(remedy)")
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw ElbowError(.missing, "\(path): no such file; \(remedy)")
    }
    let file = try RegularFile(path)
    guard file.size <= Self.largest else {
      throw fail(nil, "has \(file.size) bytes, and Elbow reads \(Self.largest) at most")
    }
    let lines = try file.read(upTo: Self.largest)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var header = Header()
    var row = 0
    while row < lines.count, !header.isComplete {
      let line = String(decoding: lines[row], as: UTF8.self)
      // Some editors put a mark of the byte order first.
      if let problem = header.read(
        row == 0 && line.hasPrefix("\u{FEFF}") ? String(line.dropFirst()) : line)
      {
        throw fail(row, problem)
      }
      row += 1
    }
    guard header.isComplete else { throw fail(nil, "has no line '@data'") }
    classNames = header.classNames
    guard (2...256).contains(classNames.count), Set(classNames).count == classNames.count else {
      throw fail(nil, "has no line '@classLabel true' with 2 to 256 different classes")
    }
    var found: ImageShape?
    for row in row..<lines.count {
      let line = String(decoding: lines[row], as: UTF8.self).trimmed
      if line.isEmpty || line.hasPrefix("#") { continue }
      var channels = line.split(separator: ":", omittingEmptySubsequences: false)
      let name = String(channels.removeLast()).trimmed
      guard let label = classNames.firstIndex(of: name) else {
        throw fail(
          row, "has the class '\(name.prefix(20))', expected \(classNames.joined(separator: ", "))")
      }
      var lengths: Set<Int> = []
      for channel in channels {
        let texts = channel.split(separator: ",", omittingEmptySubsequences: false)
        lengths.insert(texts.count)
        for text in texts {
          do { values.append(try Self.value(text)) } catch let problem as Problem {
            throw fail(row, "'\(text.prefix(20))' \(problem.text)")
          }
        }
      }
      guard let length = lengths.first, lengths.count == 1 else {
        throw fail(row, "has \(channels.isEmpty ? "no channel" : "channels of different length")")
      }
      let shape = ImageShape(channels: channels.count, height: 1, width: length)
      if let found, found != shape {
        throw fail(
          row, "is a series of \(shape), the first is of \(found); series are of equal length here")
      }
      if let told = header.length, told != length {
        throw fail(row, "is a series of \(length) values, and '@seriesLength' says \(told)")
      }
      found = shape
      labels.append(UInt8(label))
    }
    guard let found else { throw fail(nil, "has no series") }
    shape = found
  }

  /// What keeps a text from being a value.
  private struct Problem: Error { let text: String }

  /// A decimal number.
  private static func value(_ text: Substring) throws -> Float {
    let text = String(text).trimmed
    guard text.allSatisfy({ $0.isASCII && ($0.isWholeNumber || "+-.eE".contains($0)) }),
      let value = Float(text)
    else { throw Problem(text: "is no number, and series have no gaps here") }
    guard value.isFinite else { throw Problem(text: "is beyond the numbers of 32 bits") }
    return value
  }

  /// The lines before the data.
  private struct Header {
    var classNames: [String] = []
    /// Values of every series; nil: not told.
    var length: Int?
    var isComplete = false

    /// What is wrong with a line; nil: nothing.
    mutating func read(_ line: String) -> String? {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let key = words.first?.lowercased(), !key.hasPrefix("#") else { return nil }
      guard key.hasPrefix("@") else { return "is neither a comment nor '@' with a key" }
      let isTrue = words.count > 1 && words[1].lowercased() == "true"
      switch key {
      case "@data": isComplete = true
      case "@classlabel":
        guard isTrue else { return "says that series have no classes" }
        classNames = Array(words.dropFirst(2))
      case "@timestamps" where isTrue: return "says that values have times of their own"
      case "@equallength" where words.count > 1 && !isTrue:
        return "says that series differ in length; bring them to one first"
      case "@serieslength":
        guard let told = words.dropFirst().first.flatMap({ Int($0) }), told > 0 else {
          return "gives no length of the series"
        }
        length = told
      default: break
      }
      return nil
    }
  }
}
