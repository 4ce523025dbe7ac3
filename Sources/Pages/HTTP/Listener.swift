import Basics
import Foundation

/// A socket that waits for clients.
struct Listener: Sendable {
  /// Its file.
  let file: Int32
  /// The port, chosen by the system where 0 was asked for.
  let port: Int

  /// Binds and listens.
  ///
  /// - Parameters:
  ///   - host: name or number of an address of this machine.
  ///   - port: 0 for any that is free.
  /// - Throws: `ElbowError` where the address is not of this machine, or the port is taken.
  init(host: String, port: Int) throws {
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Self.stream
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &found)
    guard code == 0, let address = found else {
      throw ElbowError(
        .malformed, "`host` '\(host)': \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(found) }
    let socket = socket(address.pointee.ai_family, Self.stream, 0)
    var yes: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard socket >= 0, bind(socket, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
      listen(socket, 1024) == 0, Self.stopBlocking(socket)
    else {
      let reason = String(cString: strerror(errno))
      if socket >= 0 { close(socket) }
      throw ElbowError(
        .inaccessible,
        "cannot listen at \(host), port \(port): \(reason); choose another `port`, or 0 for any")
    }
    file = socket
    self.port = Self.port(of: socket)
  }

  /// The next client that waits; nil: none does. `errno` says why.
  func accept() -> Int32? {
    #if canImport(Darwin)
      let client = Darwin.accept(file, nil, nil)
    #else
      let client = Glibc.accept(file, nil, nil)
    #endif
    guard client >= 0 else { return nil }
    guard Self.stopBlocking(client) else {
      close(client)
      return nil
    }
    return client
  }

  /// Lets calls return at once.
  static func stopBlocking(_ file: Int32) -> Bool {
    fcntl(file, F_SETFL, O_NONBLOCK) == 0 && fcntl(file, F_SETFD, FD_CLOEXEC) == 0
  }

  private static var stream: Int32 {
    #if canImport(Darwin)
      SOCK_STREAM
    #else
      Int32(SOCK_STREAM.rawValue)
    #endif
  }

  private static func port(of socket: Int32) -> Int {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(socket, $0, &length)
      }
      // Both families have the port in the same place.
      return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        Int(UInt16(bigEndian: $0.pointee.sin_port))
      }
    }
  }
}
