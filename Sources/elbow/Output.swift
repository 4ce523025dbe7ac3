import Foundation

/// The reader of standard output has gone.
struct ClosedPipe: Error {}

/// Standard output for data, standard error for messages.
enum Output {
  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let isErrorTerminal = isatty(STDERR_FILENO) == 1

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
