import Basics
import Foundation
import Synchronization

/// The process of an engine, with its pipes.
///
/// It runs in a process group of its own: Ctrl-C is for Elbow, which then lets it end.
final class EngineProcess: @unchecked Sendable {
  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private let messages = Pipe()
  /// What it printed on standard error last.
  private let tail = Mutex<[UInt8]>([])
  /// Bytes that were read and not given out.
  private var buffer: [UInt8] = []
  private var taken = 0

  /// How much of standard error is kept, bytes.
  private static let longestTail = 4096

  /// Starts a command line in a shell.
  ///
  /// - Throws: `ElbowError`.
  init(_ command: String) throws {
    // A closed pipe is an error to be told, not a signal.
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "exec \(command)"]
    process.standardInput = requests
    process.standardOutput = answers
    process.standardError = messages
    do { try process.run() } catch {
      throw ElbowError(.missing, "the engine '\(command)' cannot be started: \(error)")
    }
    // Not a thread of the pool's, nor of Dispatch: it waits.
    let file = messages.fileHandleForReading
    Thread.detachNewThread { [weak self] in
      while true {
        let data = file.availableData
        if data.isEmpty { return }
        self?.tail.withLock {
          $0 += data
          $0.removeFirst(max(0, $0.count - Self.longestTail))
        }
      }
    }
  }

  deinit { stop() }

  /// Lets it end: closes its input, waits a little, and kills it.
  func stop() {
    try? requests.fileHandleForWriting.close()
    let deadline = ContinuousClock.now + .seconds(2)
    while process.isRunning, ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.01) }
    kill()
  }

  /// Ends it at once.
  func kill() { if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) } }

  /// What it has used so far, of what the system tells.
  var usage: EngineUsage { EngineUsage(of: process.processIdentifier) }

  /// How it ended and what it printed last; empty where it runs and has printed nothing.
  var lastWords: String {
    // The end of standard error may come a moment after that of standard output.
    let deadline = ContinuousClock.now + .milliseconds(500)
    while process.isRunning, ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.01) }
    Thread.sleep(forTimeInterval: 0.02)
    var words = ""
    if !process.isRunning {
      let status = process.terminationStatus
      words =
        process.terminationReason == .uncaughtSignal
        ? " (killed by signal \(status))" : " (exit status \(status))"
    }
    let lines = String(decoding: tail.withLock { $0 }, as: UTF8.self).split(separator: "\n")
    return lines.isEmpty ? words : words + "; it said: " + lines.suffix(3).joined(separator: " / ")
  }

  /// Writes all of some buffers.
  ///
  /// - Throws: `POSIXError` where nobody reads any more.
  func write(_ parts: [UnsafeRawBufferPointer]) throws {
    let file = requests.fileHandleForWriting.fileDescriptor
    for part in parts {
      var rest = part[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno != EINTR {
          throw POSIXError(.init(rawValue: errno) ?? .EPIPE)
        }
      }
    }
  }

  /// Whether something can be read, or the end has come, within a time.
  func isReadable(milliseconds: Int32) -> Bool {
    if taken < buffer.count { return true }
    var request = pollfd(
      fd: answers.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) != 0
  }

  /// Reads a line, without its end; nil at the end of the stream.
  ///
  /// - Parameter goOn: asked again and again while nothing comes; throws to give up.
  func line(_ goOn: () throws -> Void) throws -> [UInt8]? {
    var line: [UInt8] = []
    while true {
      if let end = buffer[taken...].firstIndex(of: 0x0A) {
        line += buffer[taken..<end]
        taken = end + 1
        return line
      }
      line += buffer[taken...]
      taken = buffer.count
      guard line.count < 1 << 20 else {
        throw ElbowError(.damaged, "the engine printed a line of a megabyte without an end")
      }
      guard try fill(goOn) else { return line.isEmpty ? nil : line }
    }
  }

  /// Reads as many bytes as there is room for.
  ///
  /// - Returns: false where the stream ends before.
  func read(into target: UnsafeMutableRawBufferPointer, _ goOn: () throws -> Void) throws -> Bool {
    let ready = min(target.count, buffer.count - taken)
    target.copyBytes(from: buffer[taken..<taken + ready])
    taken += ready
    var done = ready
    let file = answers.fileHandleForReading.fileDescriptor
    while done < target.count {
      while !isReadable(milliseconds: 200) { try goOn() }
      let count = Foundation.read(file, target.baseAddress.map { $0 + done }, target.count - done)
      if count > 0 {
        done += count
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    return true
  }

  private func fill(_ goOn: () throws -> Void) throws -> Bool {
    while !isReadable(milliseconds: 200) { try goOn() }
    buffer = [UInt8](unsafeUninitializedCapacity: 1 << 16) { space, count in
      count = max(
        0,
        Foundation.read(answers.fileHandleForReading.fileDescriptor, space.baseAddress, space.count)
      )
    }
    taken = 0
    return !buffer.isEmpty
  }
}
