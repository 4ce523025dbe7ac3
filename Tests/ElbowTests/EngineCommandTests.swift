import Engines
import Foundation
import TestSupport
import Testing

/// Runs that an engine computes: recorded, broken off, resumed, attacked.
struct EngineCommandTests {
  private let program: Program
  private let options = "--shape=1,28,28 --classes=10 --patience=5"

  init() throws { program = try Program() }

  private func engine(_ trouble: String = "", _ more: String = "") throws -> String {
    try StandInEngine.command(in: program.folder, trouble, options: "\(options) \(more)")
  }

  @Test func aRunIsRecordedWithWhatComputedIt() throws {
    let result = try program.run(
      ["run", "--engine", engine("", "--joules=0.5"), "--images", "4", "--format", "json"] + small)
    #expect(result.status == 0, "\(result.errors)")
    let run = try result.object
    #expect(run["model"] as? String == "stand-in" && run["status"] as? String == "finished")
    #expect(try program.column("SELECT blas FROM session") == ["engine on cpu, python 3"])
    // What it has told of a GPU is the run's cost.
    let cost = try program.run("pareto", "--axes", "gpu-energy,accuracy", "--format", "json").object
    let joules = (cost["points"] as? [[String: Any]])?.first?["gpu_joules_per_image"] as? Double
    #expect((joules ?? 0) > 0)
    #expect(try program.column("SELECT gpu_peak_mebibytes >= 1 FROM runs") == ["1"])
    #expect(
      try program.column("SELECT json_extract(architecture, '$.engine') FROM model") == ["denoiser"]
    )
    #expect(try program.column("SELECT external FROM runs") == ["engine"])
    #expect(try program.run("show", "@last").output.contains("computed by an engine"))
    // Made again by the same engine nothing is otherwise.
    let again = try program.run("reproduce", "@last", "--engine", engine("", "--joules=0.5"))
    #expect(again.status == 0 && !again.errors.contains("when it was recorded"), "\(again.errors)")
    #expect(try program.run("run", "--engine", "", "--images", "1").status == 2)
    // Nothing would start the command from what is recorded to resume from.
    #expect(try program.column("SELECT instr(invocation, 'python3') FROM run") == ["0"])
    // Images of N(m_y, 1) are nearest to the class whose mean is theirs.
    let answers = try program.column("SELECT predicted FROM predictions ORDER BY position")
    #expect(answers.allSatisfy { (0..<10).contains(Int($0) ?? -1) } && answers.count == 4)
    #expect(try program.column("SELECT count(*) FROM losses") == ["160"])
    #expect(try program.run("replay", "@last", "--strategy", "uniform:2").status == 0)
  }

  @Test func itsDeathIsToldAndTheRunGoesOn() throws {
    let asked = ["--images", "12", "--batch", "1"] + small
    let broken = try program.run(["run", "--engine", engine("die:8", "--batch=40")] + asked)
    #expect(broken.status == 1)
    #expect(broken.errors.contains("out of memory"), "\(broken.errors)")
    let done = try #require(Int(program.column("SELECT count(*) FROM prediction")[0]))
    #expect(done > 0 && done < 12)

    let nameless = try program.run("run", "--resume", "@last")
    #expect(nameless.status == 2 && nameless.errors.contains("--engine"), "\(nameless.errors)")
    let other = try program.run(
      "run", "--resume", "@last", "--engine",
      engine("", "--hash=\(String(repeating: "1", count: 64))"))
    #expect(other.errors.contains("another engine"), "\(other.errors)")
    let resumed = try program.run("run", "--resume", "@last", "--engine", engine("", "--batch=40"))
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try program.column("SELECT status || n_done FROM runs") == ["finished12"])

    try #require(program.run(["run", "--engine", engine()] + asked).status == 0)
    let difference = """
      SELECT count(*) FROM class_elbos AS a JOIN class_elbos AS b USING (image_index, class)
      WHERE a.run_id < b.run_id AND abs(a.elbo - b.elbo) > 1e-4 * abs(a.elbo)
      """
    #expect(try program.column(difference) == ["0"])
  }

  @Test func attacksAndPurificationWorkOnIt() throws {
    let result = try program.run(
      [
        "run", "--engine", engine(), "--classifier", "rdc", "--lm-steps", "2", "--images", "3",
        "--attack", "apgd-margin", "--attack-steps", "2", "--gradient", "smoothed", "--epsilon",
        "0.1",
      ] + small)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try program.column("SELECT sum(gradients) > 0 FROM predictions") == ["1"])
  }

  @Test func aClassifierIsServedToo() throws {
    let served = try engine("", "--kind=classifier")
    let result = try program.run(
      "run", "--engine", served, "--classifier", "cnn", "--images", "20", "--attack", "pgd-margin",
      "--attack-steps", "2")
    #expect(result.status == 0, "\(result.errors)")
    let wrong = try program.run(["run", "--engine", served, "--images", "2"] + small)
    #expect(wrong.status == 2 && wrong.errors.contains("classifier"), "\(wrong.errors)")
  }

  @Test func itStandsInFilesAsWell() throws {
    let file = program.folder + "/run.yaml"
    try "engine: \"\(engine())\"\nimages: 2\ngrid: linear:0.2:2:4\n"
      .write(toFile: file, atomically: true, encoding: .utf8)
    let result = try program.run("run", "-c", file)
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func wrongShapesAndModelsBesideItAreRefused() throws {
    let other = try program.run("run", "--engine", StandInEngine.command(in: program.folder))
    #expect(other.errors.contains("takes images of"), "\(other.errors)")
    let both = try program.run("run", "--engine", engine(), "--model", "fashion-mnist-small")
    #expect(both.status == 2)
  }

  @Test func anotherNetworkIsNotTheSame() throws {
    let result = try program.run(
      "engine", "check", engine(), "--against", "fashion-mnist-small", "--images", "2", "--grid",
      "linear:0.2:2:2", "--format", "json")
    #expect(result.status == 1)
    let found = try result.objects
    #expect(found[0]["compared"] as? String == "residuals" && found[0]["good"] as? Int == 0)
  }

  @Test func theServerIsAProgram() throws {
    let result = try program.run("engine", "python")
    let file = program.folder + "/serve.py"
    try result.output.write(toFile: file, atomically: true, encoding: .utf8)
    let check = Process()
    check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    check.arguments = ["python3", "-m", "py_compile", file]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }
}
