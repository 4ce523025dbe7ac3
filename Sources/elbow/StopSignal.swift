import Dispatch
import Foundation
import Synchronization

/// A stream that can be read once the program was told to end: by Ctrl-C, SIGTERM or SIGHUP.
final class StopSignal: @unchecked Sendable {
  /// To be polled.
  let stream: Int32
  private let end: Int32
  private let received = Mutex<Int32?>(nil)
  private let sources: [any DispatchSourceSignal]

  /// Waits for signals from now on.
  init() {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    (stream, end) = (ends[0], ends[1])
    sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for (source, number) in zip(sources, [SIGINT, SIGTERM, SIGHUP]) {
      source.setEventHandler { [weak self] in self?.receive(number) }
      source.resume()
    }
  }

  private func receive(_ number: Int32) {
    received.withLock { $0 = $0 ?? number }
    _ = write(end, [0], 1)
    // A second one is not waited for.
    signal(number, SIG_DFL)
  }

  /// Ends the program as the signal would have, where one came: whoever started it wants to know.
  func passOn() {
    guard let number = received.withLock({ $0 }) else { return }
    signal(number, SIG_DFL)
    raise(number)
    // Where somebody blocks it all the same.
    _exit(128 + number)
  }
}
