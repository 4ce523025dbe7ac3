import Experiments
import Foundation
import TestSupport
import Testing

/// The command and its module for Python, as other programs use them.
struct IngestCommandTests {
  private let program: Program

  init() throws { program = try Program() }

  /// Runs a Python program beside the module; it may be sent a signal when it has printed a line.
  @discardableResult
  private func python(_ code: String, killedAtFirstLine: Bool = false) throws -> (
    status: Int32, output: String, errors: String
  ) {
    try Ingest.python.write(
      toFile: program.folder + "/elbow.py", atomically: true, encoding: .utf8)
    let script = program.folder + "/script.py"
    try code.write(toFile: script, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script]
    process.currentDirectoryURL = URL(fileURLWithPath: program.folder)
    process.environment = ProcessInfo.processInfo.environment.merging(["ELBOW": Program.path]) {
      $1
    }
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    if killedAtFirstLine {
      _ = output.fileHandleForReading.availableData
      kill(process.processIdentifier, SIGKILL)
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text, message)
  }

  private static let head = """
    import elbow, sys, time
    run = dict(model="net", dataset="pets", classes=["cat", "dog"], shape=(1, 1, 2),
               grid=[0.1, 0.5, 2.0], weights=[1, 2, 4])

    """

  @Test func aLoopInPythonIsRecorded() throws {
    let result = try python(
      Self.head + """
        with elbow.run("loop", group="trial", tags={"stage": "one"}, **run) as r:
            for index in range(40):
                r.image(index, index % 2, losses=[[1, 2], [2, 1], [1, 1]], pixels=bytes([index, 7]))
                r.log(margin=index / 8, other=float("nan"))
        elbow.sync()
        print(r.id)
        """)
    #expect(result.errors == "" && result.status == 0)
    let run = try program.run("runs", "--format", "json").objects[0]
    #expect(run["id"] as? String == result.output.trimmingCharacters(in: .whitespacesAndNewlines))
    #expect(run["status"] as? String == "finished" && run["n_correct"] as? Int == 20)
    #expect(try program.column("SELECT count(*) FROM metrics WHERE name = 'margin'") == ["40"])
    #expect(
      try program.column("SELECT value FROM metrics WHERE name = 'margin' AND step = 39") == [
        "4.875"
      ])
    #expect(try program.column("SELECT count(*) FROM losses") == ["240"])
    #expect(try program.column("SELECT sum(seconds) > 0 FROM predictions") == ["1"])
    let replayed = try program.run("replay", "loop", "--strategy", "first:1", "--format", "json")
    #expect(replayed.status == 0, "\(replayed.errors)")
    #expect(try program.column("SELECT n_correct FROM runs WHERE strategy = 'first:1'") == ["20"])
  }

  @Test func aKilledLoopKeepsItsImagesAndGoesOn() throws {
    let code =
      Self.head + """
        r = elbow.run("loop", key="mine", **run)
        for index in range(30):
            if index in r.done:
                continue
            r.image(index, 0, predicted=0)
            if index == 11 and not r.done:
                print("here", flush=True)
                time.sleep(60)
        print(len(r.done))
        """
    #expect(try python(code, killedAtFirstLine: true).status == SIGKILL)
    // The reader of the pipe sees its end, and ends the run.
    for _ in 0..<100 where try program.column("SELECT status FROM runs") != ["interrupted"] {
      Thread.sleep(forTimeInterval: 0.05)
    }
    #expect(try program.column("SELECT status || images FROM runs") == ["interrupted12"])
    let result = try python(code)
    #expect(result.output == "12\n" && result.errors == "")
    #expect(try program.column("SELECT status || images FROM runs") == ["finished30"])
  }

  @Test func anExceptionFailsTheRun() throws {
    let result = try python(Self.head + "with elbow.run('loop', **run): raise ValueError('no')")
    #expect(result.status == 1)
    #expect(
      try program.column("SELECT status || ' ' || error FROM runs") == ["failed ValueError: no"])
  }

  @Test func whatIsRefusedIsSaid() throws {
    let result = try python(
      Self.head + """
        r = elbow.run("loop", **run)
        r.image(0, 5)
        try:
            elbow.sync()
        except elbow.Error as error:
            print(error)
        """)
    #expect(result.output.contains("line 3: 'label' must be a whole number from 0 to 1"))
  }

  @Test func badLinesGiveAnErrorStatusAndAnswers() throws {
    let file = program.folder + "/lines"
    try "{\"type\":\"run\",\"run\":\"a\"}\nnothing\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let result = try program.run("ingest", file)
    #expect(result.status == 1)
    #expect(result.output.contains("\"line\":2") && result.output.hasSuffix("{\"committed\":2}\n"))
    #expect(result.errors.contains("1 of 2 lines were refused"))
    #expect(try program.run("ingest").status == 2)
    #expect(try program.run("ingest", "nowhere.jsonl").status == 1)
  }
}
