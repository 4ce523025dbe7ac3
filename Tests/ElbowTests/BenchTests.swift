import Foundation
import TestSupport
import Testing

@Suite struct BenchTests {
  /// What a figure was measured on stands in every row, and what the machine can do beside it.
  @Test func figuresTellTheirMachine() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let arguments = ["bench", "denoiser", "--batch", "2", "--threads", "1", "--seconds", "0.01"]
    let rows = try elbow.run(arguments + ["--format", "json"]).objects
    #expect(rows.count == 1)
    for name in ["gflops", "peak", "fma_peak", "memory_gb_s"] {
      #expect(rows[0][name] as? Double ?? 0 > 0, "\(name)")
    }
    // No product of matrices passes the multiply-adds that it is made of, but for the noise of times.
    #expect(rows[0]["fma_peak"] as? Double ?? 0 > 0.5 * (rows[0]["peak"] as? Double ?? .infinity))
    for name in ["machine", "version", "sqlite", "blas"] {
      #expect((rows[0][name] as? String)?.isEmpty == false, "\(name)")
    }
    #expect(rows[0]["cores"] as? Int ?? 0 > 0)
    #expect(rows[0]["bf16_peak"] is NSNull)
    let narrow = try elbow.run(arguments + ["--precision", "bf16", "--format", "json"]).objects
    #expect(narrow[0]["bf16_peak"] as? Double ?? 0 > 0)
    let table = try elbow.run(arguments)
    #expect(!table.output.contains("machine") && table.errors.contains("machine "))
  }

  /// An interpreter that answers as the peers' script does, and three that do not.
  @Test func peersAreAskedInTurns() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    func python(_ name: String, _ script: String) throws -> String {
      let path = elbow.folder + "/" + name
      try ("#!/bin/sh\n" + script).write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      return path
    }
    // It notes what it is asked, and that the scripts and the model are there.
    let peer = try python(
      "peer",
      """
      test -s "$1" && test -s "$(dirname "$1")/serve.py" && test -s "$2" || exit 1
      echo '{"ways": {"torch_nchw": ["forward", "gradient", "train"], "torch_nhwc": ["forward",
      "gradient", "train"], "torch_bf16": ["forward", "gradient", "train"], "openvino": ["forward"]},
      "versions": {"torch": "9.9", "openvino": "8"}}' | tr -d '\n'; echo
      while read -r way measure seconds; do
        echo "$way $measure" >> asked
        case $way in torch_nchw) echo 10;; torch_nhwc) echo 20;; *) echo 40;; esac
      done
      """)
    let arguments = [
      "bench", "denoiser", "--batch", "2", "--threads", "1", "--seconds", "0.01", "--rounds", "2",
      "--train", "--format", "json", "--against",
    ]
    let rows = try elbow.run(arguments + [peer]).objects
    #expect(rows.map { $0["measure"] as? String } == ["forward", "gradient", "train"])
    for row in rows {
      #expect(row["torch_nchw"] as? Double == 10 && row["torch_bf16"] as? Double == 40)
      #expect(row["torch_compiled"] is NSNull && row["onnxruntime_version"] is NSNull)
      #expect(row["torch_version"] as? String == "9.9" && row["openvino_version"] as? String == "8")
      #expect(row["machine"] is String && row["version"] is String)
      let own = try #require(row["elbow"] as? Double)
      let forward = row["measure"] as? String == "forward"
      #expect((row["openvino"] as? Double == 40) == forward)
      #expect(row["fastest"] as? String == (forward ? "openvino" : "torch_nhwc"))
      #expect(abs((row["ratio"] as? Double ?? 0) - own / (forward ? 40 : 20)) < 0.02)
      #expect(abs((row["ratio_bf16"] as? Double ?? 0) - own / 40) < 0.02)
    }
    let asked = try String(contentsOfFile: elbow.folder + "/asked", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let round = ["forward", "gradient", "train"].flatMap { measure in
      ["torch_nchw", "torch_nhwc", "torch_bf16"].map { "\($0) \(measure)" }
        + (measure == "forward" ? ["openvino forward"] : [])
    }
    #expect(asked == round + round)

    for (name, script) in [
      ("silent", "exit 1\n"), ("other", "echo hello\n"),
      (
        "half",
        "echo '{\"ways\": {\"torch_nchw\": [\"forward\"]}, \"versions\": {}}'; read -r line; echo no number\n"
      ),
    ] {
      let failed = try elbow.run(arguments + [python(name, script)])
      #expect(failed.status == 1 && failed.errors.contains("elbow: "), "\(name): \(failed.errors)")
    }
    #expect(try elbow.run(arguments + [peer, "--rounds", "0"]).status == 2)
  }
}
