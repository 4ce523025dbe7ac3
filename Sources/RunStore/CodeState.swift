import Basics
import Foundation
import GRDB
import Records

/// The code that a run ran: of the checkout that the program lies in, else of the working
/// directory's.
package struct CodeState: Hashable, Sendable {
  /// Commit, hexadecimal.
  package var commit: String
  /// Whether tracked or untracked files differ from it.
  package var isDirty: Bool
  /// Differences of tracked files to the commit; nil where there are none.
  var diff: String?

  /// Largest diff kept, bytes.
  private static let limit = 8 << 20

  /// That of this process, found out once: what has begun runs the code that it began with.
  package static let current = capture()

  /// nil outside of any checkout, or without git.
  ///
  /// - Parameter ofProgram: false for the working directory's alone, where another program's code is.
  package static func capture(ofProgram: Bool = true) -> CodeState? {
    let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
    let folders = [
      ofProgram ? program?.path(percentEncoded: false) : nil,
      FileManager.default.currentDirectoryPath,
    ]
    for folder in folders.compactMap(\.self) {
      // One question for both: every process that is started takes its time.
      let answer =
        git(["status", "--porcelain=v2", "--branch", "--no-ahead-behind"], in: folder) ?? ""
      let lines = answer.split(separator: "\n")
      guard let commit = lines.firstMatch(ofPrefix: "# branch.oid "), commit != "(initial)" else {
        continue
      }
      let status = lines.filter { !$0.hasPrefix("# ") }
      let diff = status.isEmpty ? nil : git(["diff", "HEAD", "--binary"], in: folder)
      return CodeState(
        commit: commit, isDirty: !status.isEmpty,
        diff: diff.flatMap { $0.isEmpty || $0.utf8.count > limit ? nil : $0 })
    }
    return nil
  }

  private static func git(_ arguments: [String], in folder: String) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "--no-optional-locks", "-C", folder] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: data, as: UTF8.self)
      .trimmingCharacters(in: CharacterSet(charactersIn: "\n"))
  }
}

extension [Substring] {
  /// What follows the prefix in the first line that has it.
  fileprivate func firstMatch(ofPrefix prefix: String) -> String? {
    first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }
}

extension CodeState {
  /// SHA-256 of the uncommitted changes, nil where there are none.
  var diffSHA256: String? { diff.map { SHA256.hexDigest(of: $0) } }

  /// Stores the uncommitted changes, each once.
  ///
  /// - Returns: their SHA-256, nil where there are none.
  func insertDiff(_ db: Database) throws -> String? {
    guard let diff, let hash = diffSHA256 else { return nil }
    try db.execute(
      sql: "INSERT INTO code_diff VALUES (?, ?) ON CONFLICT DO NOTHING", arguments: [hash, diff])
    return hash
  }
}
