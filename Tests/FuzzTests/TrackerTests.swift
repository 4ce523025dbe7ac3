import Basics
import Foundation
import TestSupport
import Testing
import Trackers

/// What other trackers leave behind, which may be anything.
@Suite(.serialized) struct TrackerTests {
  @Test func tables() throws {
    let folder = try TemporaryFolder()
    try Fuzzer(
      "csv",
      [
        "run,step,loss\na,0,0.5\n\"b \"\"c\"\"\",1,nan\n",
        "run\tmetric\tstep\tvalue\ttime\nx\tloss\t3\t-inf\t2026-01-02T03:04:05Z\n",
        "name,status,params.lr,metrics.acc\nd,killed,0.1,1e-3\n",
      ].map { Array($0.utf8) },
      words: ["\"", "\"\"", ",", "\t", "\n", "\r\n", "metric,value", "1e308", "status", "run"]
    ).run { bytes in
      try folder.write("t.csv", bytes)
      _ = try Importer.lines(of: CSVFile(folder.file("t.csv"))) { #expect($0.hasPrefix("{")) }
    }
  }

  @Test func folders() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.file("1/aa/metrics"), withIntermediateDirectories: true)
    try folder.write("1/meta.yaml", "name: x\n")
    try Fuzzer(
      "mlruns",
      [
        "run_id: aa\nrun_name: 'It''s'\nstatus: 3\nstart_time: 1700000000123\nend_time: null\n",
        "run_id: \"aa\"\nstatus: 5\ntags: []\nstart_time: 1\n",
      ].map { Array($0.utf8) },
      words: ["&a ", "*a", "[", "{", "? ", "- ", ": ", "|\n  ", "!!binary ", "9223372036854775807"]
    ).run { bytes in
      try folder.write("1/aa/meta.yaml", bytes)
      try folder.write("1/aa/metrics/loss", bytes)
      _ = try Importer.lines(of: MLflowFolder(folder.path)) { #expect($0.hasPrefix("{")) }
    }
  }
}
