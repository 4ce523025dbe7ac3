import Basics
import Foundation
import Reporting

/// The reader of standard output has gone.
struct ClosedPipe: Error {}

/// Standard output for data, standard error for messages.
enum Output {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let isErrorTerminal = isatty(STDERR_FILENO) == 1

  /// The command line, program name first.
  static let arguments = CommandLine.arguments

  /// Whether only results and errors are shown.
  static let isQuiet = arguments.prefix { $0 != "--" }.contains { $0 == "--quiet" || $0 == "-q" }

  /// How the user called the program, for commands to try next: from the working directory where it
  /// lies there.
  static let program: String = {
    let called = arguments.first ?? "elbow"
    let here = FileManager.default.currentDirectoryPath + "/"
    return called.hasPrefix(here) ? String(called.dropFirst(here.count)) : called
  }()

  /// Columns of the terminal; nil where standard output is none.
  static var width: Int? { isTerminal ? columns(of: STDOUT_FILENO) : nil }
  /// Columns of the terminal that messages go to; nil where that is none.
  static var errorWidth: Int? { isErrorTerminal ? columns(of: STDERR_FILENO) : nil }

  private static func columns(of file: Int32) -> Int? {
    var size = winsize()
    guard ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Whether texts on standard output are set off: on a terminal that can, unless `NO_COLOR` is set.
  static let style: TextStyle = {
    let environment = ProcessInfo.processInfo.environment
    let isRefused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return isTerminal && !isRefused && environment["TERM"] != "dumb" ? .ansi : .plain
  }()

  /// Shows how long work goes on, on standard error.
  static let progress = ProgressLine()

  /// Tells `progress` of work.
  static let watch = WorkWatch(
    update: { if !isQuiet { progress.show($0) } },
    note: { if !isQuiet { message("elbow: \($0)") } })

  /// Writes all of `text` to standard output.
  ///
  /// - Throws: `ClosedPipe` where nobody reads any more, `ElbowError` where it cannot be written.
  static func write(_ text: String) throws {
    progress.end()
    switch send(text, to: STDOUT_FILENO) {
    case 0: return
    case EPIPE: throw ClosedPipe()
    case let code:
      throw ElbowError(
        code == ENOSPC ? .full : .inaccessible,
        "standard output cannot be written (\(String(cString: strerror(code))))")
    }
  }

  /// Writes texts that others may have written: as they are to a file or a pipe; on a terminal, which
  /// would obey them, with signs in place of what is not seen.
  static func writeForeign(_ text: String) throws {
    guard isTerminal else { return try write(text) }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).visible }
        .joined(separator: "\t")
    }
    try write(lines.joined(separator: "\n"))
  }

  /// Writes to a file, or to standard output for nil and `-`.
  static func write(
    to path: String?, _ body: (@escaping OutputFile.Sink) throws -> Void
  ) throws {
    guard let path, path != "-" else {
      return try OutputFile.buffered(writeForeign, body)
    }
    try OutputFile.write(path, body)
  }

  /// Writes a message to standard error; whether anyone reads it does not matter.
  static func error(_ text: String, terminator: String = "\n") {
    progress.end()
    message(text, terminator: terminator)
  }

  /// Writes to standard error what is neither a result nor an error, unless that is refused.
  static func note(_ text: String, terminator: String = "\n") {
    if !isQuiet { error(text, terminator: terminator) }
  }

  /// Writes an error as the command line spells fields: `epsilon` in backticks becomes `--epsilon`.
  static func error(_ error: any Error) {
    self.error("elbow: \(spelled("\(error)"))")
  }

  /// A message with the names of fields in backticks spelled as flags, and commands that it tells to
  /// try, as 'elbow runs', of the same database.
  static func spelled(_ message: String) -> String {
    message.replacing(/`([a-z][a-z-]*…?)`/) { "--\($0.1)" }
      .replacing(/'elbow (?:runs|restore|export|query|log|show|metrics)\b[^'\n]*/) { match in
        match.0.contains("--db") || match.0.contains("--list")
          ? String(match.0) : match.0 + databaseFlag
      }
  }

  /// ` --db FILE` as it was given; empty where the file is the default.
  static let databaseFlag: String = {
    let given = arguments.prefix { $0 != "--" }
    let next = given.firstIndex(of: "--db").flatMap { given[(given.index(after: $0))...].first }
    let path = next ?? given.first { $0.hasPrefix("--db=") }.map { String($0.dropFirst(5)) }
    return path.map { DatabaseOption.flag($0) } ?? ""
  }()

  /// Runs `body`, a closed pipe being no problem.
  static func quietly(_ body: () throws -> Void) { try? body() }

  /// Writes to standard error, past the progress line. Line by line, what a reader would not see, or a
  /// terminal would obey, is shown as a sign.
  static func message(_ text: String, terminator: String = "\n") {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let shown = lines.map { String($0).visible }.joined(separator: "\n")
    progress.around { _ = send(shown + terminator, to: STDERR_FILENO) }
  }

  /// Writes to standard error as it is.
  static func raw(_ text: String) { _ = send(text, to: STDERR_FILENO) }

  /// 0, or the number of the error.
  private static func send(_ text: String, to file: Int32) -> Int32 {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}
