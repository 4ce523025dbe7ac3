import Foundation

/// The reader of standard output has gone.
struct ClosedPipe: Error {}

/// Standard output for data, standard error for messages.
enum Output {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let isErrorTerminal = isatty(STDERR_FILENO) == 1

  /// How the user called the program, for commands to try next: from the working directory where it
  /// lies there.
  static let program: String = {
    let called = CommandLine.arguments.first ?? "elbow"
    let here = FileManager.default.currentDirectoryPath + "/"
    return called.hasPrefix(here) ? String(called.dropFirst(here.count)) : called
  }()

  /// Columns of the terminal; nil where standard output is none.
  static var width: Int? {
    var size = winsize()
    guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Int(size.ws_col)
  }

  /// Writes all of `text` to standard output.
  ///
  /// - Throws: `ClosedPipe` where nobody reads any more.
  static func write(_ text: String) throws {
    guard send(text, to: STDOUT_FILENO) else { throw ClosedPipe() }
  }

  /// Writes a message to standard error; whether anyone reads it does not matter.
  static func error(_ text: String, terminator: String = "\n") {
    _ = send(text + terminator, to: STDERR_FILENO)
  }

  /// Runs `body`, a closed pipe being no problem.
  static func quietly(_ body: () throws -> Void) { try? body() }

  private static func send(_ text: String, to file: Int32) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
