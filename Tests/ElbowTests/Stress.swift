import Foundation
import TestSupport
import Testing

/// How much is done to the program: little, or as much as `ELBOW_STRESS` says.
enum Stress {
  /// Rounds of every kind.
  static let rounds =
    ProcessInfo.processInfo.environment["ELBOW_STRESS"].flatMap { Int($0) } ?? 1

  /// Starts the program and ends it, as a power cut would, after a random part of `seconds`.
  ///
  /// - Returns: what it left; nil where it came to its end before.
  @discardableResult
  static func kill(
    _ elbow: Program, _ arguments: [String], within seconds: Double
  ) throws -> Program.Result? {
    let tag = UUID().uuidString
    let process = try elbow.process(arguments, tag: tag)
    try process.run()
    Thread.sleep(forTimeInterval: .random(in: 0...seconds))
    if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    let result = try elbow.result(process, tag: tag)
    return process.terminationReason == .exit ? nil : result
  }

  /// Checks that a database is whole.
  static func checkHealth(_ elbow: Program, database: String = "elbow.db") throws {
    guard FileManager.default.fileExists(atPath: "\(elbow.folder)/\(database)") else { return }
    let result = try elbow.run("query", "health", "--db", database, "--format", "json")
    #expect(result.status == 0, "\(result.errors)")
    let health = try #require(try result.objects.first)
    #expect(health["integrity"] as? String == "ok", "\(health)")
    #expect(health["broken_references"] as? Int == 0 && health["wrong_totals"] as? Int == 0)
  }

  /// What runs recorded, ids and times aside.
  static func rows(_ elbow: Program, database: String = "elbow.db") throws -> [[String]] {
    try [
      "SELECT image_index, predicted, correct, nfe, seed FROM predictions "
        + "JOIN runs ON runs.id = run_id",
      "SELECT position, class, elbo, last_round, seed FROM class_elbos "
        + "JOIN runs ON runs.id = run_id",
      "SELECT position, hex(\"values\"), hex(places), seed FROM loss JOIN runs ON runs.id = run_id",
      "SELECT status, images, seed, fingerprint, accuracy, nfe_per_image FROM runs",
    ].map { sql in
      let result = try elbow.run("sql", sql, "--db", database, "--format", "tsv", "--timeout", "0")
      #expect(result.status == 0, "\(result.errors)")
      return result.output.split(separator: "\n").map(String.init).sorted()
    }
  }

  /// The greatest `done/total` that was reported.
  static func reported(_ errors: String) -> Int {
    errors.matches(of: /(\d+)\/\d+ images/).compactMap { Int($0.1) }.max() ?? 0
  }

  /// Whether a small file system can be mounted here.
  static let canMount: Bool = {
    guard geteuid() == 0, let folder = try? TemporaryFolder() else { return false }
    guard (try? mount(folder.path, kibibytes: 64)) == 0 else { return false }
    return (try? shell("umount", folder.path)) == 0
  }()

  /// Mounts memory of so much room.
  static func mount(_ folder: String, kibibytes: Int, again: Bool = false) throws -> Int32 {
    try shell(
      "mount", "-t", "tmpfs", "-o", "\(again ? "remount," : "")size=\(kibibytes)k", "tmpfs", folder)
  }

  /// Runs a command to its end.
  static func shell(_ words: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
