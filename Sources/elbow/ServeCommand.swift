import ArgumentParser
import Basics
import Foundation
import Pages

/// Shows the database in a browser.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Show the database in a browser: runs, comparisons, the front, replays.",
    discussion: """
      Read only, and for this machine only: whoever is to look from another one needs --host with an \
      address of this machine, and the token. Runs may be recorded meanwhile. Ctrl-C ends it. What \
      pages show is at /api/v1 as JSON and CSV too.

      EXAMPLE:
        elbow serve
        elbow serve --port 0 --open
      """)

  @Option(help: "Port; 0 for any that is free.") var port = 8642
  @Option(help: "Address to listen at, for others; needs --token (default: 127.0.0.1).")
  var host: String?
  @Option(help: "What callers must know: they open the address with ?token=….")
  var token: String?
  @Flag(help: "Open a browser.") var open = false
  @OptionGroup var database: DatabaseOption

  func validate() throws {
    guard (0...65_535).contains(port) else {
      throw ValidationError("--port must be 0 to 65535, got \(port)")
    }
    guard host == nil || token != nil else {
      throw ValidationError("--host lets others in: say with --token what they must know")
    }
    if let token, token.count < 8 {
      throw ValidationError("--token needs at least 8 characters")
    }
  }

  func run() throws {
    let archive = try Archive(database.path, flag: database.flag)
    if let notice = archive.notice { Output.error("elbow: \(Output.spelled(notice))") }
    let server = try Server(host: host ?? "127.0.0.1", port: port)
    let name = host.map { $0.contains(":") ? "[\($0)]" : $0 } ?? "127.0.0.1"
    let address = "http://\(name):\(server.port)/"
    try Output.write(address + "\n")
    Output.note("elbow: \(database.path) is shown there; Ctrl-C ends it")
    if open { Self.open(address) }
    let site = Site(archive, door: Door(host: host, port: server.port, token: token))
    server.run(site.answer)
  }

  /// Opens a browser, where the system has a way to.
  private static func open(_ address: String) {
    #if canImport(Darwin)
      let program = "/usr/bin/open"
    #else
      let program = "/usr/bin/xdg-open"
    #endif
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [address]
    process.standardError = FileHandle.nullDevice
    if (try? process.run()) == nil {
      Output.error("elbow: no browser can be opened from here; open the address yourself")
    }
  }
}
