import Foundation

/// A client's connection, which carries one request and its answer.
struct Connection {
  /// How far it is.
  enum Stage {
    /// The request's head comes in.
    case reading([UInt8])
    /// The answer is being made.
    case answering
    /// The answer goes out.
    case writing([UInt8], sent: Int)
    /// The answer has gone out, and what the client still sends is let go by.
    case ending
  }

  /// What became of a step.
  enum Outcome {
    /// There is more to come.
    case open
    /// The request is there.
    case request(Result<Request, Request.Refusal>)
    /// Nothing more can be done with it.
    case over
  }

  /// Longest head.
  static let longestHead = 16_384

  let file: Int32
  /// Tells it from one that had its file before.
  let number: Int
  var stage = Stage.reading([])
  /// When patience with this stage ends.
  var deadline: ContinuousClock.Instant

  /// What `poll` waits for; nil: nothing of the client's.
  var events: Int16? {
    switch stage {
    case .reading, .ending: Int16(POLLIN)
    case .writing: Int16(POLLOUT)
    case .answering: nil
    }
  }

  /// Reads or writes what can be without waiting.
  mutating func step() -> Outcome {
    switch stage {
    case .reading(var head):
      // The buffer is not shared while it grows.
      stage = .answering
      let outcome = read(into: &head)
      if case .open = outcome { stage = .reading(head) }
      return outcome
    case .writing(let bytes, let sent): return write(bytes, sent)
    case .ending: return skip()
    case .answering: return .open
    }
  }

  private func read(into head: inout [UInt8]) -> Outcome {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(file, &buffer, buffer.count, 0)
      guard count > 0 else { return count < 0 && Self.isPatient ? .open : .over }
      let from = max(head.count - 3, 0)
      head += buffer.prefix(count)
      if head.count > Self.longestHead { return .request(.failure(.long)) }
      if let end = Self.end(of: head, from: from) {
        do { return .request(.success(try Request(head: head[..<end]))) } catch {
          return .request(.failure(error))
        }
      }
    }
  }

  /// Where the empty line begins that ends a head.
  private static func end(of head: [UInt8], from start: Int) -> Int? {
    let empty: [UInt8] = [13, 10, 13, 10]
    guard head.count >= empty.count else { return nil }
    return (start...head.count).first { head[$0...].starts(with: empty) }
  }

  private mutating func write(_ bytes: [UInt8], _ sent: Int) -> Outcome {
    var sent = sent
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { send(file, $0.baseAddress, $0.count, 0) }
      guard count > 0 else {
        stage = .writing(bytes, sent: sent)
        return Self.isPatient ? .open : .over
      }
      sent += count
    }
    // A client that has not been heard out would take a sudden end for a failure.
    shutdown(file, Int32(SHUT_WR))
    stage = .ending
    deadline = min(deadline, .now + .seconds(2))
    return skip()
  }

  private func skip() -> Outcome {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = recv(file, &buffer, buffer.count, 0)
    return count > 0 || (count < 0 && Self.isPatient) ? .open : .over
  }

  /// Whether the last call would only have had to wait.
  private static var isPatient: Bool { errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR }
}
