import Reporting
import Basics

/// An address with what is answered there: a function of the request, and what the address takes.
///
/// The table of routes is all that the server knows; pages, documents and the description of the
/// interface follow from it.
struct Route: Sendable {
  /// What is answered.
  enum Answer: Sendable {
    /// A page to read.
    case page(@Sendable (Call) throws -> Page)
    /// Rows, as JSON and as CSV; one more than asked for where there are more.
    case table(@Sendable (Call) throws -> ResultTable)
    /// JSON that is more than a table; its main table as CSV where it has one.
    case document(
      @Sendable (Call) throws -> String, table: (@Sendable (Call) throws -> ResultTable)?)
    /// A picture in PNG.
    case picture(@Sendable (Call) throws -> [UInt8])
  }

  /// Segments, of which those in braces stand for any: `/runs/{run}`.
  let path: String
  /// What it answers, in a sentence.
  let summary: String
  /// What may stand behind the question mark.
  var parameters: [Parameter] = []
  let answer: Answer

  /// Its segments.
  var segments: [Substring] { path.split(separator: "/") }

  /// Whether it has a table, which `.csv` behind the address gives.
  var hasTable: Bool {
    switch answer {
    case .table, .document(_, .some): true
    case .page, .picture, .document(_, nil): false
    }
  }

  /// What stands in place of the braces; nil where the path is another's.
  func values(in path: [String]) -> [String: String]? {
    let segments = segments
    guard segments.count == path.count else { return nil }
    var values: [String: String] = [:]
    for (segment, text) in zip(segments, path) {
      if segment.hasPrefix("{") {
        guard !text.isEmpty else { return nil }
        values[String(segment.dropFirst().dropLast())] = text
      } else if segment != text {
        return nil
      }
    }
    return values
  }
}
