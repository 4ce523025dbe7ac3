import Foundation
import TestSupport
import Testing

/// Products in bfloat16 are an axis of what is asked, recorded with what computes them.
@Suite struct PrecisionCommandTests {
  private static let arguments = [
    "run", "--images", "3", "--model", "fashion-mnist-small", "--grid", "log:0.5:2:4",
  ]

  @Test func precisionIsAskedAndRecorded() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for precision in ["fp32", "bf16"] {
      let run = try elbow.run(Self.arguments + ["--precision", precision, "--name", precision])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.contains("(bf16)") == (precision == "bf16"))
    }
    #expect(
      try elbow.column("SELECT name || precision FROM runs ORDER BY name")
        == ["bf16bf16", "fp32fp32"])
    #expect(try elbow.column("SELECT count(DISTINCT fingerprint) FROM runs") == ["2"])
    // Rounding shows in every loss, and in none by much.
    let apart = try elbow.column(
      """
      SELECT count(*) || ' ' || sum(a.loss <> b.loss)
        || ' ' || (max(abs(a.loss / b.loss - 1)) BETWEEN 1e-6 AND 0.05)
      FROM losses AS a JOIN losses AS b USING (image_index, timestep, class)
      WHERE a.run_id = (SELECT id FROM runs WHERE name = 'bf16')
        AND b.run_id = (SELECT id FROM runs WHERE name = 'fp32')
      """)
    #expect(apart == ["120 120 1"])
    let sets = try elbow.column("SELECT instruction_set FROM session ORDER BY run_id")
    #expect(sets.count == 2 && sets[1].hasPrefix(sets[0] + ", bf16 "))
    let again = try elbow.run("reproduce", "bf16")
    #expect(
      again.status == 0 && again.errors.contains("the same to the last bit"), "\(again.errors)")
    let listed = try elbow.run("runs")
    #expect(listed.output.contains("dc (bf16)"))
  }

  @Test func precisionIsOfNetworks() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for (arguments, message) in [
      (["--classifier", "optimal"], "there is none"),
      (["--engine", "true"], "an --engine does"),
    ] {
      let run = try elbow.run(["run", "--images", "1", "--precision", "bf16"] + arguments)
      #expect(run.status == 2 || run.status == 1)
      #expect(run.errors.contains(message), "\(run.errors)")
    }
    let other = try elbow.run("run", "--precision", "fp16")
    #expect(other.status == 2 && other.errors.contains("fp32, bf16"), "\(other.errors)")
  }
}
