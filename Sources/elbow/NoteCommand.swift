import ArgumentParser
import Basics
import Foundation
import Queries
import Records
import RunStore

/// Shows a run's note, adds to it or writes it anew.
struct NoteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "note", abstract: "Show a run's note, add to it, or write it anew.",
    usage: """
      elbow note <run>
      elbow note <run> <text> [--replace]
      elbow note <run> --edit
      """,
    discussion: """
      EXAMPLE:
        elbow note @last "the one of the table"
      """)

  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Argument(help: "A line to add.") var text: String?
  @Flag(help: "The text takes the old note's place; an empty one removes it.") var replace = false
  @Flag(help: "Edit the note with $EDITOR.") var edit = false
  @OptionGroup var database: DatabaseOption

  func validate() throws {
    if edit, text != nil || replace {
      throw ValidationError("--edit takes no text and no --replace")
    }
    if replace, text == nil { throw ValidationError("--replace needs the new text") }
  }

  func run() throws {
    guard text != nil || edit else {
      let store = try database.read()
      let run = try store.query(.run(store.runID(prefix)))
      if let note = run[0, .note] { try Output.writeForeign(note + "\n") }
      return
    }
    let store = try database.edit()
    defer { store.close() }
    let id = try store.runID(prefix)
    if let text {
      try store.note(id) { old in
        guard let old, !replace else { return text }
        return old + "\n" + text
      }
    } else {
      let old = try store.query(.run(id))[0, .note] ?? ""
      let new = try Self.edited(old)
      try store.note(id) { now in
        guard now ?? "" == old else {
          throw ElbowError(
            .inaccessible, "run \(id): the note was changed meanwhile; yours is: \(new)")
        }
        return new
      }
    }
  }

  /// The text as an editor leaves it, without white space at its end.
  private static func edited(_ text: String) throws -> String {
    let editor = ProcessInfo.processInfo.environment["EDITOR"] ?? "vi"
    let file = FileManager.default.temporaryDirectory.appending(
      path: "elbow-note-\(UUID().uuidString).txt")
    defer { try? FileManager.default.removeItem(at: file) }
    try text.write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // $EDITOR may have arguments of its own.
    process.arguments = ["-c", "\(editor) \"$1\"", "sh", file.path(percentEncoded: false)]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ElbowError(
        .inaccessible, "'\(editor)' failed, so the note stays as it was; set $EDITOR")
    }
    var new = try String(contentsOf: file, encoding: .utf8)
    while new.last?.isWhitespace ?? false { new.removeLast() }
    return new
  }
}
