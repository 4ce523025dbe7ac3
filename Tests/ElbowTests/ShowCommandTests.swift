import Foundation
import TestSupport
import Testing

@Suite struct ShowCommandTests {
  /// The changes of the code that a run records are what git takes.
  @Test func changesOfTheCodeApply() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    func git(_ arguments: String...) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["git", "-C", elbow.folder, "-c", "user.name=a", "-c", "user.email=a@b"] + arguments
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(arguments)")
    }
    let text = elbow.folder + "/code.txt"
    let bytes = elbow.folder + "/code.bin"
    func write(_ number: UInt8) throws {
      try "one\ntwo \(number)\n\n".write(toFile: text, atomically: true, encoding: .utf8)
      try Data([0, 1, number, 255]).write(to: URL(fileURLWithPath: bytes))
    }
    try write(1)
    try git("init", "-q")
    try git("add", "code.txt", "code.bin")
    try git("commit", "-q", "-m", "first")
    try write(2)
    // A run of another program has the code of the folder that it is logged from.
    #expect(try elbow.run("log", "new", "--name", "elsewhere").status == 0)
    let diff = try elbow.run("show", "elsewhere", "--diff")
    #expect(diff.status == 0 && diff.output.contains("+two 2"), "\(diff.errors)")
    try diff.output.write(
      toFile: elbow.folder + "/changes.patch", atomically: true, encoding: .utf8)
    try write(1)
    try git("apply", "changes.patch")
    #expect(try String(contentsOfFile: text, encoding: .utf8) == "one\ntwo 2\n\n")
    #expect(FileManager.default.contents(atPath: bytes) == Data([0, 1, 2, 255]))
    let json = try elbow.run("show", "elsewhere", "--diff", "--format", "json")
    #expect(json.status == 2 && json.errors.contains("code-changes"))
  }
}
