import Foundation

/// What a client asks: a request without a body, as all of a server that is only read.
package struct Request: Hashable, Sendable {
  /// As `GET`.
  package var method: String
  /// Segments of the path, decoded: none of `/`.
  package var path: [String]
  /// What stands behind the question mark.
  package var query: Query
  /// Fields by their names in lower case.
  package var headers: [String: String]

  /// The request as given.
  package init(
    _ method: String = "GET", _ path: [String], query: Query = Query(),
    headers: [String: String] = [:]
  ) {
    (self.method, self.path, self.query, self.headers) = (method, path, query, headers)
  }

  /// Why a text is no request that is answered.
  package enum Refusal: Int, Error, Sendable {
    /// Out of form.
    case malformed = 400
    /// Not there in time.
    case late = 408
    /// With a body, which nothing here takes.
    case body = 413
    /// Longer than any that is answered.
    case long = 431
    /// More at once than are answered.
    case crowded = 503
    /// In another version of HTTP.
    case version = 505
  }

  /// Reads a request's head: its lines, without the empty one that ends it.
  ///
  /// Strict where laxness has done harm elsewhere: no folded lines, one `Host`, no length given twice.
  ///
  /// - Throws: `Refusal`.
  package init(head: some Collection<UInt8>) throws(Refusal) {
    guard let text = String(validating: head, as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.value >= 32 || $0 == "\r" || $0 == "\n" || $0 == "\t" })
    else { throw .malformed }
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String(Substring($0)).trimmingSuffix("\r") }[...]
    let words = (lines.popFirst() ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[0].allSatisfy({ $0.isASCII && $0.isUppercase }),
      words[1].hasPrefix("/"), words[1].allSatisfy({ $0.isASCII && !$0.isWhitespace })
    else { throw .malformed }
    guard words[2].hasPrefix("HTTP/1.") else { throw .version }
    headers = try Self.fields(lines)
    let length = headers["content-length"] ?? "0"
    guard Int(length) == 0, headers["transfer-encoding"] == nil else { throw .body }
    method = String(words[0])
    let parts = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let segments = parts[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      .map { String($0).withoutPercents }
    guard let query = Query(encoded: parts.count == 2 ? parts[1] : "") else { throw .malformed }
    self.query = query
    path = []
    for segment in segments {
      guard let segment else { throw .malformed }
      path.append(segment)
    }
    // A slash at the end says nothing; elsewhere nothing would stand between two.
    if path.last == "" { path.removeLast() }
    guard !path.contains("") else { throw .malformed }
  }

  private static func fields(_ lines: ArraySlice<String>) throws(Refusal) -> [String: String] {
    var fields: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0.isASCII }),
        !parts[0].contains(where: \.isWhitespace)
      else { throw .malformed }
      let name = parts[0].lowercased()
      let value = parts[1].trimmingCharacters(in: .whitespaces)
      guard let other = fields[name] else {
        fields[name] = value
        continue
      }
      guard !["host", "content-length"].contains(name) else { throw .malformed }
      fields[name] = other + ", " + value
    }
    return fields
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: Character) -> String {
    last == suffix ? String(dropLast()) : self
  }
}
