import Basics
import GRDB
import Pages
import Records
import RunStore
import TestSupport

/// A name that would be markup, an attribute's end or a header's, where it is not escaped.
let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u{202E}"

/// A database with a few runs, and the pages of it.
struct Sites {
  let folder: TemporaryFolder
  let site: Site
  /// Full ids, oldest first; empty where nothing is recorded.
  private(set) var runs: [String] = []

  /// - Parameters:
  ///   - count: runs to record.
  ///   - name: what they are called.
  ///   - token: what callers must know.
  init(runs count: Int = 2, name: String = "first", token: String? = nil) throws {
    folder = try TemporaryFolder()
    let path = folder.file("runs.db")
    let store = try RunStore(path, for: .write)
    for index in 0..<count {
      var header = header(3)
      header.labels.name = name
      header.labels.group = name
      header.labels.note = name
      header.seed = UInt64(index)
      let answers = (0..<3).map { prediction($0, correct: $0 > index) }
      runs.append(try record(header, answers, in: store).id)
    }
    store.close()
    site = Site(try Archive(path), door: Door(port: 8642, token: token))
  }

  /// Changes the file as another program would.
  func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
    let queue = try DatabaseQueue(patient: folder.file("runs.db"))
    try queue.write { try $0.execute(sql: sql, arguments: arguments) }
    try queue.close()
  }

  /// An answer.
  ///
  /// - Parameter address: path and query, as in a link.
  func get(
    _ address: String, method: String = "GET", _ headers: [String: String] = [:]
  ) throws -> Response {
    var fields = ["Host": "127.0.0.1:8642"]
    fields.merge(headers) { _, given in given }
    let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
    return site.answer(
      try Request(head: Array("\(method) \(address) HTTP/1.1\r\n\(lines)".utf8.dropLast(2))))
  }
}

extension Response {
  /// Its content as a text.
  var text: String { String(decoding: body, as: UTF8.self) }
}
