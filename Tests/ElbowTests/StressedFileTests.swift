import Foundation
import TestSupport
import Testing

/// Disks that are full, files that are copied or taken away, and many processes at once.
///
/// A round of each here; `.ci/stress N` gives N.
@Suite(.serialized) struct StressedFileTests {
  /// As a power cut leaves the files at any moment: the copy opens, and holds what was reported.
  @Test func copiesHoldWhatWasReported() throws {
    for _ in 0..<Stress.rounds {
      let elbow = try Program()
      defer { elbow.remove() }
      let process = try elbow.process(
        ["run", "--images", "80", "--strategy", "uniform:2", "--threads", "1"] + small, tag: "run")
      try process.run()
      for copy in 0..<4 where process.isRunning {
        Thread.sleep(forTimeInterval: .random(in: 0.1...0.5))
        kill(process.processIdentifier, SIGSTOP)
        let reported = Stress.reported(
          try String(contentsOfFile: "\(elbow.folder)/run.err", encoding: .utf8))
        let files = ["", "-wal"].filter {
          FileManager.default.fileExists(atPath: "\(elbow.folder)/elbow.db\($0)")
        }
        for suffix in files {
          try FileManager.default.copyItem(
            atPath: "\(elbow.folder)/elbow.db\(suffix)",
            toPath: "\(elbow.folder)/copy\(copy).db\(suffix)")
        }
        kill(process.processIdentifier, SIGCONT)
        guard !files.isEmpty else { continue }
        try Stress.checkHealth(elbow, database: "copy\(copy).db")
        let held = try elbow.run(
          "sql", "SELECT coalesce(max(n_done), 0) FROM runs", "--db", "copy\(copy).db", "--format",
          "tsv")
        #expect((Int(held.output.split(separator: "\n").last ?? "") ?? -1) >= reported)
      }
      let result = try elbow.result(process, tag: "run")
      #expect(result.status == 0, "\(result.errors)")
    }
  }

  /// A full disk is said to be one, and a run that met it goes on when there is room.
  @Test(.enabled(if: Stress.canMount)) func fullDisksAreSaid() throws {
    let arguments = ["run", "--images", "40", "--threads", "1", "--db", "disk/elbow.db"] + small
    let calm = try Program()
    defer { calm.remove() }
    try FileManager.default.createDirectory(
      atPath: "\(calm.folder)/disk", withIntermediateDirectories: false)
    #expect(try calm.run(arguments).status == 0)
    let expected = try Stress.rows(calm, database: "disk/elbow.db")
    for _ in 0..<(2 * Stress.rounds) {
      let elbow = try Program()
      defer { elbow.remove() }
      let disk = "\(elbow.folder)/disk"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
      #expect(try Stress.mount(disk, kibibytes: .random(in: 100...3000)) == 0)
      defer { _ = try? Stress.shell("umount", disk) }
      let first = try elbow.run(arguments)
      if first.status == 0 { continue }
      #expect(first.status == 1 && first.errors.contains("disk is full"), "\(first.errors)")
      // Still full: a run that has died is said to have, and what keeps it from going on.
      let listed = try elbow.run(
        "runs", "--db", "disk/elbow.db", "--columns", "id", "--format", "tsv")
      let ids = listed.output.split(separator: "\n").dropFirst()
      if listed.status == 0, let id = ids.first {
        let again = try elbow.run("run", "--resume", String(id), "--db", "disk/elbow.db")
        #expect(again.status != 0 && !again.errors.contains("another process"), "\(again.errors)")
      }
      #expect(try Stress.mount(disk, kibibytes: 64_000, again: true) == 0)
      try Stress.checkHealth(elbow, database: "disk/elbow.db")
      let now = try elbow.run(
        ids.first.map { ["run", "--resume", String($0), "--db", "disk/elbow.db"] } ?? arguments)
      #expect(now.status == 0, "\(now.errors)")
      #expect(try Stress.rows(elbow, database: "disk/elbow.db") == expected)
    }
  }

  /// The folder is taken away, or the file replaced, under a run: it fails, and touches nothing.
  @Test(arguments: ["gone", "other"]) func takenAwayFilesEndRuns(how: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let folder = "\(elbow.folder)/data"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let other = try elbow.run("log", "new", "--name", "theirs", "--db", "other.db")
    #expect(other.status == 0, "\(other.errors)")
    let theirs = try Data(contentsOf: URL(fileURLWithPath: "\(elbow.folder)/other.db"))
    let process = try elbow.process(
      ["run", "--images", "300", "--threads", "1", "--db", "data/elbow.db"] + small, tag: "run")
    try process.run()
    // Not before something is recorded.
    let recorded = [
      "sql", "SELECT count(*) > 0 FROM prediction", "--db", "data/elbow.db", "--format", "tsv",
    ]
    while process.isRunning, try !elbow.run(recorded).output.hasSuffix("\n1\n") {
      Thread.sleep(forTimeInterval: 0.05)
    }
    if how == "gone" {
      rename(folder, folder + "-away")
    } else {
      rename("\(elbow.folder)/other.db", "\(folder)/elbow.db")
    }
    let result = try elbow.result(process, tag: "run")
    #expect(result.status == 1)
    #expect(result.errors.contains("deleted, moved or replaced"), "\(result.errors)")
    if how == "gone" {
      #expect(!FileManager.default.fileExists(atPath: folder))
      try Stress.checkHealth(elbow, database: "data-away/elbow.db")
    } else {
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/elbow.db")) == theirs)
      let names = try elbow.run(
        "runs", "--db", "data/elbow.db", "--columns", "name", "--format", "tsv")
      #expect(names.output == "name\ntheirs\n", "\(names.errors)")
    }
  }

  /// Writers, readers and gc on one file: nothing is lost, and nobody is told that it is locked.
  @Test func manyProcessesShareAFile() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let id = try elbow.run("log", "new").output.trimmingCharacters(in: .whitespacesAndNewlines)
    let (processes, each) = Stress.rounds > 1 ? (16, 4 * Stress.rounds) : (6, 4)
    let failures = Failures()
    DispatchQueue.concurrentPerform(iterations: processes) { worker in
      for turn in 0..<each {
        let arguments =
          switch worker % 4 {
          case 0: ["runs"]
          case 1: turn % 2 == 0 ? ["gc"] : ["query", "health"]
          default: ["log", id, "loss=\(turn)", "--step", "\(worker * 10_000 + turn)"]
          }
        guard let result = try? elbow.run(arguments), result.status == 0 else {
          failures.add("\(arguments)")
          continue
        }
        if result.errors.contains("held by another") || result.errors.contains("locked") {
          failures.add(result.errors)
        }
      }
    }
    #expect(failures.texts.isEmpty, "\(failures.texts)")
    let writers = (0..<processes).count { $0 % 4 > 1 }
    #expect(try elbow.column("SELECT count(*) FROM metrics") == ["\(writers * each)"])
    try Stress.checkHealth(elbow)
  }

  /// What went wrong, on any thread.
  private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []
    var texts: [String] { lock.withLock { all } }
    func add(_ text: String) { lock.withLock { all.append(text) } }
  }
}
