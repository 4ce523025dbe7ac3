import Basics
import Foundation

/// HTTP by the program curl, as a process: many requests over one connection.
///
/// What it is to do goes in on its standard input, so that neither addresses nor credentials stand on
/// a command line, which other users can see.
struct Curl {
  /// A request.
  struct Request {
    var method = "GET"
    var address: String
    /// What is sent, with its media type; nil: nothing.
    var body: (data: Data, type: String)?
  }

  /// What came back.
  struct Response {
    /// Of HTTP; 0: none came.
    var status: Int
    /// What curl says where none came.
    var message: String
    var body: Data
  }

  private let path: String
  /// Lines of its configuration that every request has.
  let options: [String]

  /// curl where `PATH` names it.
  ///
  /// - Parameters:
  ///   - environment: of the process.
  ///   - options: lines of its configuration that every request has.
  /// - Throws: `ElbowError` where it is missing.
  init(_ environment: [String: String], options: [String]) throws {
    let folders = (environment["PATH"] ?? "").split(separator: ":")
    guard
      let path = folders.map({ "\($0)/curl" })
        .first(where: FileManager.default.isExecutableFile(atPath:))
    else {
      throw ElbowError(
        .missing, "curl, which speaks with servers, is not installed: 'apt-get install curl'")
    }
    (self.path, self.options) = (path, options)
  }

  /// A value as curl's configuration quotes it.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\\", "\"": quoted += "\\" + String(character)
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default: quoted.unicodeScalars.append(character)
      }
    }
    return quoted + "\""
  }

  /// Sends requests in order, or, where they only read, several at once.
  ///
  /// - Parameter reads: they change nothing, so that those that failed for a moment are tried again.
  /// - Returns: a response for each.
  /// - Throws: `ElbowError` where curl cannot be run.
  func send(_ requests: [Request], reads: Bool = false) throws -> [Response] {
    guard !requests.isEmpty else { return [] }
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "elbow-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ kind: String, _ index: Int) -> URL { folder.appending(path: "\(kind)\(index)") }
    var parts: [String] = []
    for (index, request) in requests.enumerated() {
      var lines = options
      lines.append("url = \(Self.quoted(request.address))")
      lines.append("request = \(Self.quoted(request.method))")
      lines.append("output = \(Self.quoted(file("answer", index).plainPath))")
      lines.append(#"write-out = "\#(index) %{http_code} %{errormsg}\n""#)
      if let body = request.body {
        try body.data.write(to: file("body", index))
        lines.append("header = \(Self.quoted("Content-Type: \(body.type)"))")
        lines.append("data-binary = \(Self.quoted("@" + file("body", index).plainPath))")
      }
      if reads { lines.append("retry = 2") }
      parts.append(lines.joined(separator: "\n"))
    }
    let first = ["silent", "globoff"] + (reads ? ["parallel", "parallel-max = 4"] : [])
    let configuration = (first + [parts.joined(separator: "\nnext\nsilent\ngloboff\n")])
      .joined(separator: "\n")
    let said = try run(configuration + "\n")
    var answers = requests.map { _ in Response(status: 0, message: said.errors, body: Data()) }
    for line in said.output.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3, let index = Int(words[0]), answers.indices ~= index else { continue }
      answers[index].status = Int(words[1]) ?? 0
      answers[index].message = String(words[2])
      // No file: no bytes.
      answers[index].body = (try? Data(contentsOf: file("answer", index))) ?? Data()
    }
    return answers
  }

  private func run(_ configuration: String) throws -> (output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    // Without the user's own configuration.
    process.arguments = ["--disable", "--config", "-"]
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    do { try process.run() } catch {
      throw ElbowError(.missing, "\(path) cannot be started: \(error.localizedDescription)")
    }
    // It reads all of this before it writes anything.
    try? input.fileHandleForWriting.write(contentsOf: Data(configuration.utf8))
    try? input.fileHandleForWriting.close()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (
      String(decoding: said, as: UTF8.self), String(decoding: complaint, as: UTF8.self).trimmed
    )
  }
}
