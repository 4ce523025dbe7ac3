import Basics
import Foundation
import RunStore
import TestSupport
import Testing

/// Lines of a stream as they come.
@Suite struct LineInputTests {
  @Test func linesComeOneByOne() throws {
    let pipe = Pipe()
    let input = LineInput(pipe.fileHandleForReading.fileDescriptor)
    func say(_ text: String) throws {
      try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }
    var events = [try input.next(within: .zero)]
    try say("one\r\ntwo\n\nthr")
    for _ in 0..<3 { events.append(try input.next(within: nil)) }
    events.append(try input.next(within: .milliseconds(1)))
    try say("ee\nlast")
    events.append(try input.next(within: nil))
    try pipe.fileHandleForWriting.close()
    for _ in 0..<2 { events.append(try input.next(within: nil)) }
    #expect(
      events == [
        .quiet, .line("one"), .line("two"), .line(""), .quiet, .line("three"), .line("last"), .end,
      ])
  }

  /// What was said before the stop is read before it.
  @Test func stopsComeLast() throws {
    let (pipe, stop) = (Pipe(), Pipe())
    let input = LineInput(
      pipe.fileHandleForReading.fileDescriptor, until: stop.fileHandleForReading.fileDescriptor)
    try stop.fileHandleForWriting.write(contentsOf: Data([0]))
    try pipe.fileHandleForWriting.write(contentsOf: Data("one\n".utf8))
    var events: [LineInput.Event] = []
    for _ in 0..<2 { events.append(try input.next(within: nil)) }
    #expect(events == [.line("one"), .stopped])
    try pipe.fileHandleForWriting.close()
  }

  @Test func endlessLinesAreRefused() throws {
    let zero = try #require(FileHandle(forReadingAtPath: "/dev/zero"))
    let error = try #require(throws: ElbowError.self) {
      let input = LineInput(zero.fileDescriptor)
      _ = try input.next(within: nil)
    }
    #expect(error.message.contains("longer than"))
  }

  /// Points of a stream that falls silent are on the disk within a second.
  @Test func silentStreamsAreRecorded() throws {
    let database = TemporaryDatabase()
    let path = database.path
    let store = try RunStore(path, for: .write)
    let run = ExternalRun(id: ULID.make())
    try store.beginExternal(run)
    let pipe = Pipe()
    let stream = pipe.fileHandleForReading.fileDescriptor
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      var writer = MetricWriter(store, run: run.id)
      try? MetricLines.read(LineInput(stream)) {
        try writer.log($0)
      } flushing: {
        try writer.flush()
      }
      done.signal()
    }
    try pipe.fileHandleForWriting.write(
      contentsOf: Data("{\"step\": 1, \"loss\": 0.5}\n2 loss 0.25\n".utf8))
    let start = ContinuousClock.now
    let reader = try RunStore(path, for: .read)
    func count() throws -> Cell { try reader.readOnly("SELECT count(*) FROM metrics").rows[0][0] }
    // A second where the machine has nothing else to do.
    while try count() != .integer(2), ContinuousClock.now - start < .seconds(60) {
      Thread.sleep(forTimeInterval: 0.02)
    }
    #expect(try count() == .integer(2))
    try pipe.fileHandleForWriting.close()
    done.wait()
  }
}
