import Foundation

/// The built program as a user runs it.
package struct Program {
  /// What a finished process left.
  package struct Result {
    /// Exit status, or the signal that ended it.
    package var status: Int32
    /// Standard output.
    package var output: String
    /// Standard error.
    package var errors: String

    /// Standard output as JSON.
    package var json: Any {
      get throws { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
    }
    /// As an object.
    package var object: [String: Any] {
      get throws { try json(as: [String: Any].self) }
    }
    /// As an array of objects.
    package var objects: [[String: Any]] {
      get throws { try json(as: [[String: Any]].self) }
    }

    private func json<T>(as type: T.Type) throws -> T {
      guard let value = try json as? T else { throw Unexpected("\(type)", output, errors) }
      return value
    }
  }

  /// Beside the test bundle.
  package static let path: String = {
    let bundles = Bundle.allBundles.map(\.bundleURL) + [Bundle.main.bundleURL]
    let candidates =
      bundles.flatMap { [$0, $0.deletingLastPathComponent()] }
      + [URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()]
    return candidates.map { $0.appending(path: "elbow").path(percentEncoded: false) }
      .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "elbow"
  }()

  /// Working folder of its own, removed in the end.
  package let folder: String
  private let temporary: TemporaryFolder

  /// The program in a new folder.
  package init() throws {
    temporary = try TemporaryFolder()
    folder = temporary.path
  }

  /// Removes the folder; it goes with the last copy of the value as well.
  package func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// A process that is ready to run; its output goes to files, so that it never waits for us.
  package func process(_ arguments: [String], tag: String = "0") throws -> Process {
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

  /// Waits for a process and reads what it wrote.
  package func result(_ process: Process, tag: String = "0") throws -> Result {
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      output: try String(contentsOfFile: "\(folder)/\(tag).out", encoding: .utf8),
      errors: try String(contentsOfFile: "\(folder)/\(tag).err", encoding: .utf8))
  }

  /// Runs the program to its end.
  package func run(_ arguments: String...) throws -> Result { try run(arguments) }

  /// Runs the program to its end.
  package func run(_ arguments: [String]) throws -> Result {
    let tag = UUID().uuidString
    let process = try process(arguments, tag: tag)
    try process.run()
    return try result(process, tag: tag)
  }

  /// One column of a statement's answer.
  package func column(_ sql: String) throws -> [String] {
    let result = try run("sql", sql, "--format", "tsv")
    guard result.status == 0 else { throw Unexpected("an answer", result.output, result.errors) }
    return result.output.split(separator: "\n").dropFirst().map(String.init)
  }
}

/// What a process printed in place of what a test needs.
package struct Unexpected: Error, CustomStringConvertible {
  package let description: String

  init(_ wanted: String, _ output: String, _ errors: String) {
    description = "wanted \(wanted), got\n\(output)\n\(errors)"
  }
}

/// Few images, few timesteps: under a second.
package let small = ["--grid", "linear:0.2:2:4", "--weights", "snr"]
