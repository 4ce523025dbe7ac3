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

  /// What the program raised is what is seen, whatever has become of the recorder.
  @Test func anExceptionIsNotHidden() throws {
    let result = try python(
      Self.head + """
        with elbow.run('loop', **run) as r:
            r.writer.process.kill()
            r.writer.process.wait()
            raise ValueError('mine')
        """)
    #expect(result.status == 1 && result.errors.contains("\nValueError: mine\n"))
    #expect(!result.errors.contains("During handling"), "\(result.errors)")
    #expect(result.errors.contains("elbow.py: 'elbow ingest' has ended"))
  }

  /// A loop in the style of public diffusion classifiers: after one of three levels the best two classes
  /// stay, after all the best. What it prints is what is recorded, and what a replay of the strategy on
  /// all losses answers.
  @Test func anAdaptiveLoopIsRecordedAsItRan() throws {
    let result = try python(
      """
      import elbow
      classes, levels = 4, [0.1, 0.4, 1.0, 2.0]
      def loss(image, level, label):
          return ((image * 37 + level * 11 + label * 23) % 29) + abs(label - image % classes) * 3.0
      common = dict(model="table", dataset="numbers", classes=classes, shape=(1, 1, 1))
      whole = elbow.run("all losses", **common, grid=levels)
      loop = elbow.run("loop", **common, grid=levels, configuration={"strategy": "halving:2x1,1x3"})
      right = 0
      for image in range(60):
          whole.image(image, image % classes, losses=[
              [loss(image, t, y) for y in range(classes)] for t in range(len(levels))])
          left, errors, places, values = list(range(classes)), {y: [] for y in range(classes)}, [], []
          for keep, asked in ((2, [2]), (1, [0, 3])):
              for t in asked:
                  for y in left:
                      places.append((0, t, y))
                      values.append(loss(image, t, y))
                      errors[y].append(values[-1])
              left = sorted(left, key=lambda y: (sum(errors[y]) / len(errors[y]), y))[:keep]
          right += left[0] == image % classes
          loop.image(image, image % classes, predicted=left[0], losses=values, places=places)
      print(right)
      """)
    #expect(result.errors == "" && result.status == 0, "\(result.errors)")
    let right = result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(try program.column("SELECT n_correct FROM runs WHERE name = 'loop'") == [right])
    let comparison = try program.run("compare", "all losses", "loop", "--format", "json")
    #expect(comparison.status == 0, "\(comparison.errors)")
    #expect(try program.run("replay", "all losses", "--strategy", "halving:2x1,1x3").status == 0)
    let answers = """
      SELECT count(DISTINCT predicted || ' ' || nfe), count(*) FROM predictions
      JOIN runs ON runs.id = run_id WHERE strategy LIKE 'halving%' GROUP BY image_index
      """
    #expect(try Set(program.column(answers)) == ["1\t2"])
  }

  /// Ctrl-C ends what is being recorded in good order, as it does a run.
  @Test func aSignalInterruptsTheRuns() throws {
    let process = try program.process(["ingest", "-"])
    let input = Pipe()
    process.standardInput = input
    try process.run()
    let lines = [
      #"{"type":"run","run":"a","classes":2,"shape":[1,1,2],"model":"m"}"#,
      #"{"type":"image","run":"a","index":0,"label":0,"predicted":0}"#,
    ]
    try input.fileHandleForWriting.write(
      contentsOf: Data((lines.joined(separator: "\n") + "\n").utf8))
    // Until the process has begun there is no file.
    let counted = "SELECT count(*) FROM runs WHERE images = 1"
    for _ in 0..<200 where (try? program.column(counted)) != ["1"] {
      Thread.sleep(forTimeInterval: 0.05)
    }
    kill(process.processIdentifier, SIGINT)
    _ = try program.result(process)
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT)
    #expect(try program.column("SELECT status || images FROM runs") == ["interrupted1"])
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
    #expect(result.errors.contains("1 of 2 lines was refused"))
    #expect(try program.run("ingest").status == 2)
    #expect(try program.run("ingest", "nowhere.jsonl").status == 1)
  }
}
