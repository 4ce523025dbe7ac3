import Foundation
import TestSupport
import Testing

/// Runs are watched that another process records.
@Suite struct WatchCommandTests {
  @Test func runsAreWatchedToTheirEnd() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let recording = try elbow.process(
      ["run", "--images", "60", "--name", "watched"] + small, tag: "recording")
    try recording.run()
    defer { recording.terminate() }
    // Until it is there, it cannot be watched.
    var watched = try elbow.run("watch", "watched", "--format", "json")
    for _ in 0..<600 where watched.status != 0 {
      Thread.sleep(forTimeInterval: 0.05)
      watched = try elbow.run("watch", "watched", "--format", "json")
    }
    #expect(watched.status == 0, "\(watched.errors)")
    #expect(try watched.objects.map { $0["n_done"] as? Int } == [60])
    #expect(try elbow.column("SELECT status FROM runs") == ["finished"])
  }

  @Test func endsThatAreNoneAreSaid() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let id = try elbow.run("log", "new", "--name", "mine").output
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(try elbow.run("log", id, "loss=0.5", "--step", "1").status == 0)
    #expect(try elbow.run("log", "end", id, "--status", "failed").status == 0)
    let failed = try elbow.run("watch", id)
    #expect(failed.status == 1 && failed.errors.contains("run \(id) is failed"))
    #expect(try elbow.run("watch", "nobody").status == 2)
    let redrawn = try elbow.run("runs", "--watch")
    #expect(redrawn.status == 2 && redrawn.errors.contains("on a terminal"))
  }
}
