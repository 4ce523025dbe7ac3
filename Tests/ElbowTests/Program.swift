import Foundation
import Testing

/// The built program as a user runs it.
struct Program {
  /// What a finished process left.
  struct Result {
    var status: Int32
    var output: String
    var errors: String

    /// Standard output as JSON.
    var json: Any {
      get throws { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
    }
    /// As an object.
    var object: [String: Any] {
      get throws { try #require(try json as? [String: Any]) }
    }
    /// As an array of objects.
    var objects: [[String: Any]] {
      get throws { try #require(try json as? [[String: Any]]) }
    }
  }

  /// Beside the test bundle.
  static let path: String = {
    let bundles = Bundle.allBundles.map(\.bundleURL) + [Bundle.main.bundleURL]
    let candidates =
      bundles.flatMap { [$0, $0.deletingLastPathComponent()] }
      + [URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()]
    return candidates.map { $0.appending(path: "elbow").path(percentEncoded: false) }
      .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "elbow"
  }()

  /// Working folder of its own, removed in the end.
  let folder: String

  init() throws {
    folder =
      FileManager.default.temporaryDirectory.path(percentEncoded: false)
      + "elbow-run-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// A process that is ready to run; its output goes to files, so that it never waits for us.
  func process(_ arguments: [String], tag: String = "0") throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    for (name, key) in [("out", \Process.standardOutput), ("err", \Process.standardError)] {
      let file = "\(folder)/\(tag).\(name)"
      _ = FileManager.default.createFile(atPath: file, contents: nil)
      process[keyPath: key] = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    }
    return process
  }

  func result(_ process: Process, tag: String = "0") throws -> Result {
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      output: try String(contentsOfFile: "\(folder)/\(tag).out", encoding: .utf8),
      errors: try String(contentsOfFile: "\(folder)/\(tag).err", encoding: .utf8))
  }

  func run(_ arguments: String...) throws -> Result { try run(arguments) }

  func run(_ arguments: [String]) throws -> Result {
    let tag = UUID().uuidString
    let process = try process(arguments, tag: tag)
    try process.run()
    return try result(process, tag: tag)
  }

  /// One column of a statement's answer.
  func column(_ sql: String) throws -> [String] {
    let result = try run("sql", sql, "--format", "tsv")
    #expect(result.status == 0, "\(result.errors)")
    return result.output.split(separator: "\n").dropFirst().map(String.init)
  }
}

/// Few images, few levels: under a second.
let small = ["--grid", "linear:0.2:2:4", "--weights", "snr"]
