import Basics
import Foundation
import Synchronization

/// Answers requests of HTTP/1.1 at a socket: one thread waits for all clients, a few make answers.
///
/// One request a connection, `GET` and `HEAD` only, no bodies. A client that is slow costs a file and
/// some memory until its time is up; where files run out, who has kept the server waiting longest goes
/// first. Nothing that a client does ends the server.
package final class Server: Sendable {
  /// What clients are allowed.
  package struct Limits: Sendable {
    /// For sending a request, and for taking its answer.
    package var patience: Duration = .seconds(10)
    /// Connections at once.
    package var connections = 4000
    /// Answers that are waited for at once.
    package var waiting = 256

    /// The usual limits.
    package init() {}
  }

  private let listener: Listener
  private let limits: Limits
  /// Answers that are made, by connection, and the pipe that tells of them.
  private let answers = Mutex<[(file: Int32, number: Int, bytes: [UInt8])]>([])
  private let wake: (read: Int32, write: Int32)
  private let workers = OperationQueue()

  /// The port that it listens at.
  package var port: Int { listener.port }

  /// Listens at an address of this machine.
  ///
  /// - Parameters:
  ///   - host: name or number of the address.
  ///   - port: 0 for any that is free.
  ///   - limits: what clients are allowed.
  /// - Throws: `ElbowError` where that cannot be.
  package init(host: String, port: Int, limits: Limits = Limits()) throws {
    (listener, self.limits) = (try Listener(host: host, port: port), limits)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0, ends.allSatisfy(Listener.stopBlocking) else {
      throw ElbowError(.inaccessible, "no pipe: \(String(cString: strerror(errno)))")
    }
    wake = (ends[0], ends[1])
    workers.maxConcurrentOperationCount = max(2, ProcessInfo.processInfo.activeProcessorCount)
  }

  /// Answers whoever comes, until the process ends.
  ///
  /// - Parameter answer: called on several threads at once.
  package func run(_ answer: @escaping @Sendable (Request) -> Response) -> Never {
    signal(SIGPIPE, SIG_IGN)
    Self.allowManyFiles()
    var loop = Loop(answer: answer)
    while true { turn(&loop) }
  }

  /// What the waiting thread holds.
  private struct Loop {
    let answer: @Sendable (Request) -> Response
    var connections: [Int32: Connection] = [:]
    var accepted = 0
  }

  /// Waits for something to happen, and sees to it.
  private func turn(_ loop: inout Loop) {
    let clients = loop.connections.values.compactMap { connection in
      connection.events.map { pollfd(fd: connection.file, events: $0, revents: 0) }
    }
    let isFull = loop.connections.count >= limits.connections
    var files =
      [
        pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
        // A negative one is passed over.
        pollfd(fd: isFull ? -1 : listener.file, events: Int16(POLLIN), revents: 0),
      ] + clients
    _ = poll(&files, nfds_t(files.count), wait(loop))
    if files[0].revents != 0 { takeAnswers(&loop) }
    if files[1].revents != 0 { accept(&loop) }
    for client in files.dropFirst(2) where client.revents != 0 { step(client.fd, &loop) }
    for late in loop.connections.values where late.deadline < .now && late.events != nil {
      timeOut(late, &loop)
    }
  }

  /// Milliseconds until somebody's patience ends; −1: never.
  private func wait(_ loop: Loop) -> Int32 {
    guard let next = loop.connections.values.filter({ $0.events != nil }).map(\.deadline).min()
    else { return -1 }
    let seconds = max(0, (next - .now) / .seconds(1))
    return Int32(min(1000 * seconds, 60_000)) + 1
  }

  private func accept(_ loop: inout Loop) {
    while loop.connections.count < limits.connections {
      guard let client = listener.accept() else {
        if errno == EMFILE || errno == ENFILE { makeRoom(&loop) }
        return
      }
      loop.accepted += 1
      loop.connections[client] = Connection(
        file: client, number: loop.accepted, deadline: .now + limits.patience)
      step(client, &loop)
    }
  }

  /// Closes who has kept the server waiting longest.
  private func makeRoom(_ loop: inout Loop) {
    let waiting = loop.connections.values.filter { $0.events != nil }
    if let oldest = waiting.min(by: { $0.number < $1.number }) { close(oldest, &loop) }
  }

  private func step(_ file: Int32, _ loop: inout Loop) {
    guard var connection = loop.connections[file] else { return }
    let outcome = connection.step()
    loop.connections[file] = connection
    switch outcome {
    case .open: break
    case .over: close(connection, &loop)
    case .request(.failure(let refusal)):
      send(Response(refusal).bytes(hasBody: true), to: file, &loop)
    case .request(.success) where workers.operationCount >= limits.waiting:
      send(Response(.crowded).bytes(hasBody: true), to: file, &loop)
    case .request(.success(let request)):
      let (number, answer) = (connection.number, loop.answer)
      workers.addOperation { [self] in
        let bytes = answer(request).bytes(hasBody: request.method != "HEAD")
        answers.withLock { $0.append((file, number, bytes)) }
        _ = write(wake.write, [0], 1)
      }
    }
  }

  private func takeAnswers(_ loop: inout Loop) {
    var buffer = [UInt8](repeating: 0, count: 512)
    while read(wake.read, &buffer, buffer.count) > 0 {}
    let made = answers.withLock { made in
      defer { made = [] }
      return made
    }
    for (file, number, bytes) in made where loop.connections[file]?.number == number {
      send(bytes, to: file, &loop)
    }
  }

  private func send(_ bytes: [UInt8], to file: Int32, _ loop: inout Loop) {
    loop.connections[file]?.stage = .writing(bytes, sent: 0)
    loop.connections[file]?.deadline = .now + limits.patience
    step(file, &loop)
  }

  private func timeOut(_ late: Connection, _ loop: inout Loop) {
    guard case .reading(let head) = late.stage, !head.isEmpty else { return close(late, &loop) }
    send(Response(.late).bytes(hasBody: true), to: late.file, &loop)
  }

  private func close(_ connection: Connection, _ loop: inout Loop) {
    loop.connections[connection.file] = nil
    #if canImport(Darwin)
      Darwin.close(connection.file)
    #else
      Glibc.close(connection.file)
    #endif
  }

  /// Raises the process's limit of open files as far as it may.
  private static func allowManyFiles() {
    var limit = rlimit()
    #if canImport(Darwin)
      let resource = RLIMIT_NOFILE
    #else
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 16_384)
    setrlimit(resource, &limit)
  }
}
