import Foundation
import TestSupport
import Testing

/// Whether every element that is opened is closed, in order.
private struct XMLCheck {
  struct Unbalanced: Error { var element: String }

  init(_ data: Data) throws {
    let text = String(decoding: data, as: UTF8.self)
    var open: [Substring] = []
    for match in text.matches(of: /<(\/?)([a-zA-Z]+)(?:"[^"]*"|'[^']*'|[^>"'])*?(\/?)>/) {
      if match.output.1 == "/" {
        guard open.popLast() == match.output.2 else {
          throw Unbalanced(element: String(match.output.2))
        }
      } else if match.output.3 != "/" {
        open.append(match.output.2)
      }
    }
    if let element = open.last { throw Unbalanced(element: String(element)) }
  }
}

@Suite struct PlotCommandTests {
  private static func recorded() throws -> (Program, run: String) {
    let elbow = try Program()
    let run = try elbow.run(
      ["run", "--images", "6", "--classifier", "rdc", "--format", "json"] + small)
    return (elbow, try #require(try run.object["id"] as? String))
  }

  /// Real gnuplot, every plot and every format.
  @Test func filesAreWhatTheyAreCalled() throws {
    let (elbow, run) = try Self.recorded()
    defer { elbow.remove() }
    for (plot, format, head) in [
      (["accuracy", run], "svg", Array("<?xml".utf8)),
      (["evidence", run], "pdf", Array("%PDF-".utf8)),
      (["evidence", run, "--image", "2"], "svg", Array("<?xml".utf8)),
      (["errors", run, "--image", "2", "--contrast"], "png", [0x89, 0x50, 0x4e, 0x47]),
      (["confusion", run], "png", [0x89, 0x50, 0x4e, 0x47]),
    ] {
      let result = try elbow.run(["plot"] + plot + ["-o", "p.\(format)", "--script", "p.gp"])
      #expect(result.status == 0 && result.errors == "", "\(result.errors)")
      let data = try #require(FileManager.default.contents(atPath: elbow.folder + "/p.\(format)"))
      #expect(Array(data.prefix(head.count)) == head && data.count > 3000)
      if format == "svg" {
        #expect(String(decoding: data, as: UTF8.self).contains("Sources: \(run)</desc>"))
        _ = try XMLCheck(data)
      }
      let script = try String(contentsOfFile: elbow.folder + "/p.gp", encoding: .utf8)
      #expect(script.contains("# Sources: \(run)\n") && script.contains("set output 'p.\(format)'"))
    }
  }

  /// The sum over pixels that stands beside each class is the loss that the run recorded.
  @Test func errorsAreTheRunsOwn() throws {
    let (elbow, run) = try Self.recorded()
    defer { elbow.remove() }
    let plot = try elbow.run("plot", "errors", run, "--image", "4", "--sigma", "0.7")
    #expect(plot.status == 0 && plot.output.contains("σ = 0.65 (timestep 1, draw 0)"))
    let losses = try elbow.column(
      "SELECT \(Self.shown) FROM losses WHERE image_index = 4 AND timestep = 1 ORDER BY class")
    #expect(losses.count == 10)
    for loss in losses { #expect(Self.shows(loss, in: plot.output), "\(loss)") }
    #expect(Self.shows(losses[1], in: plot.output, after: "Trouser"))
  }

  /// A loss as a plot shows it: two ways, since the record is in Float32 and the plot's sum is not.
  private static let shown =
    "printf('%.2f', loss * (1 - 1e-7)) || '/' || printf('%.2f', loss * (1 + 1e-7))"

  private static func shows(_ loss: String, in output: String, after word: String = "") -> Bool {
    loss.split(separator: "/").contains { output.contains("\(word) \($0)") }
  }

  /// Two classes, at levels of the run's grid, each once.
  @Test func errorsOfAPairAreTheRunsOwn() throws {
    let (elbow, run) = try Self.recorded()
    defer { elbow.remove() }
    let plot = try elbow.run(
      "plot", "errors", run, "--image", "4", "--pair", "--sigma", "0.7,0.6,2")
    #expect(plot.status == 0, "\(plot.errors)")
    let rows = try elbow.column(
      """
      SELECT \(Self.shown) FROM losses
      JOIN predictions USING (run_id, image_index)
      WHERE image_index = 4 AND class IN (label, predicted) AND timestep IN (1, 3)
      """)
    #expect(rows.count >= 2)
    for loss in rows {
      #expect(Self.shows(loss, in: plot.output), "\(loss): \(plot.output)")
    }
    #expect(plot.output.components(separatedBy: "first − second").count == 3)
    for wrong in [["--sigma", "0.5,1"], ["--pair", "--contrast"], ["--pair", "--sigma", "0,1"]] {
      #expect(try elbow.run(["plot", "errors", run, "--image", "4"] + wrong).status == 2)
    }
  }

  @Test func withoutGnuplotTheRemedyIsSaid() throws {
    let (elbow, run) = try Self.recorded()
    defer { elbow.remove() }
    let process = try elbow.process(["plot", "confusion", run, "-o", "p.svg"])
    process.environment = ProcessInfo.processInfo.environment
    process.environment?["PATH"] = elbow.folder
    try process.run()
    let result = try elbow.result(process)
    #expect(result.status == 1 && result.errors.contains("apt-get install gnuplot-nox"))
    // A gnuplot that fails is quoted.
    let fake = elbow.folder + "/gnuplot"
    try "#!/bin/sh\necho no such terminal >&2\nexit 1\n".write(
      toFile: fake, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fake)
    let second = try elbow.process(["plot", "confusion", run, "-o", "p.svg"], tag: "1")
    second.environment = ProcessInfo.processInfo.environment
    second.environment?["PATH"] = elbow.folder
    try second.run()
    let failed = try elbow.result(second, tag: "1")
    #expect(failed.status == 1 && failed.errors.contains("no such terminal"))
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/p.svg"))
    // In the terminal, and as a script, plots need none.
    let text = try elbow.run("plot", "confusion", run)
    #expect(text.status == 0 && text.output.hasPrefix("Confusion, n = 6 images\n"))
    let script = try elbow.run("plot", "accuracy", run, "--script", "a.gp")
    #expect(script.status == 0 && script.output == "")
  }

  @Test func whatCannotBeDrawn() throws {
    let (elbow, run) = try Self.recorded()
    defer { elbow.remove() }
    for (arguments, status, message) in [
      (["accuracy", "-o", "x.gif"], Int32(2), ".svg, .png or .pdf"),
      (["errors", run, "--image", "77"], 2, "has no image 77"),
      (["errors", run, "--image", "1", "--draw", "1"], 2, "--draw must be 0 to 0"),
      (["evidence", run, "--image", "77"], 1, "no losses of image 77"),
      (["epsilon"], 1, "no attacked runs to draw"), (["training"], 1, "no trainings are recorded"),
      (["training", "01X"], 2, "0 trainings begin with '01X'"),
      (["accuracy", "--where", "images > 99"], 1, "no runs with results"),
    ] {
      let result = try elbow.run(["plot"] + arguments)
      #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
    }
    let replay = try elbow.run(
      "replay", run, "--strategy", "uniform:2", "--format", "json"
    ).objects
    let id = try #require(replay[0]["id"] as? String)
    let errors = try elbow.run("plot", "errors", id, "--image", "1")
    #expect(errors.status == 2 && errors.errors.contains("name the run it replays, \(run)"))
    let evidence = try elbow.run("plot", "evidence", id)
    #expect(evidence.status == 1 && evidence.errors.contains("recorded losses"))
  }
}
