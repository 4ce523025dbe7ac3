import Basics
import Classifiers
import Datasets
import Evaluation
import Experiments
import Foundation
import Records
import RunStore
import TestSupport
import Testing
import Training

/// What people type and programs say.
@Suite(.serialized) struct TextTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func conditions() throws {
    let table = ResultTable(
      columns: ["accuracy", "strategy", "images"],
      rows: [[.real(0.5), .text("uniform:5"), .integer(7)], [.null, .null, .null]])
    try Fuzzer(
      "condition",
      texts: [
        "accuracy > 0.8 AND strategy LIKE 'uniform%'",
        "images IN (1, 2, 3) OR NOT accuracy IS NULL",
        "(accuracy >= 85% AND (images != 8/255 OR images NOT IN (5)))", "strategy IS NOT NULL",
        "\"images\" = 7 and `accuracy` <> -1e-3", "accuracy < last(loss)",
      ],
      words: ["AND ", "OR ", "NOT ", "IN (", "LIKE ", "IS NULL", "images", "accuracy", "''"]
    ).run { _ = try RowFilter(text($0)).matches(table) }
  }

  @Test func times() throws {
    try Fuzzer(
      "time",
      texts: [
        "last 2 days", "today", "yesterday", "2026-01-01", "2026-01-01 10:00 to now",
        "since monday", "this week", "2026-01-01..2026-02-01", "last 90 minutes",
      ], words: ["last ", "days", "to ", "weeks", "months", ":", "T", "Z"]
    ).run { _ = try RowFilter.started(text($0)) }
  }

  @Test func strategies() throws {
    let grid = try NoiseGrid("linear:0.05:3:25")
    try Fuzzer(
      "strategy",
      texts: [
        "full", "uniform:5", "first:3", "last:3", "band:0.1:1", "random:7", "halving:5x5,1x25",
        "racing:0.05", "subset:3*1.5+7+9*0.2", "sift:2,5", "sift:2.5,3*2+4", "uniform:1...8",
      ], words: ["uniform:", "halving:", "subset:", "sift:", "band:", "x", "+", "*"]
    ).run { bytes in
      for spelling in try SamplingStrategies.expand(text(bytes)).prefix(20) {
        let strategy = try SamplingStrategies.parse(spelling, grid: grid, classCount: 10)
        // What it writes it reads, and asks for timesteps that there are.
        let again = try SamplingStrategies.parse(strategy.spelling, grid: grid, classCount: 10)
        #expect(again.spelling == strategy.spelling)
        #expect((1...25).contains(strategy.largestSubset(of: 25)))
        for timestep in strategy.sharedTimesteps(of: 25) ?? [] {
          #expect((0..<25).contains(timestep) && strategy.emphasis(of: timestep).isFinite)
        }
      }
    }
  }

  @Test func grids() throws {
    try Fuzzer(
      "grid",
      texts: [
        "linear:0.0001:3:125", "log:0.01:1:4", "quantile:20", "karras:0.002:80:18",
        "legendre:0.1:3:5",
      ], words: ["linear:", "log:", "quantile:", "karras:", "legendre:", ":"]
    ).run { bytes in
      let grid = try NoiseGrid(text(bytes))
      #expect(grid.levels.allSatisfy { $0.sigma > 0 && $0.sigma.isFinite && $0.width.isFinite })
      #expect(try NoiseGrid(grid.spelling).levels == grid.levels)
    }
  }

  @Test func imageLists() throws {
    try Fuzzer(
      "images", texts: ["20", "5..17", "3...9", "1,2,3", "0", "10000"], words: ["..", "...", ","]
    ).run { bytes in
      let indices = try ImageSelection(text(bytes)).indices(of: 10_000)
      #expect(!indices.isEmpty && indices.allSatisfy { (0..<10_000).contains($0) })
    }
  }

  @Test func pointsOfMetrics() throws {
    try Fuzzer(
      "points",
      texts: [
        #"{"step": 3, "loss": 0.25}"#, #"{"loss": NaN, "time": 1.7e9, "acc": "Infinity"}"#,
        "3 loss 0.5", #"{"a":1,"b":-2.5e-3}"#,
      ], words: ["\"step\":", "\"time\":", "\"loss\":", "null", "true", "NaN", "Infinity", "1e9,"]
    ).run { bytes in
      for line in text(bytes).split(separator: "\n", omittingEmptySubsequences: false) {
        guard let entry = MetricLines.entry(String(line)) else { continue }
        #expect(!entry.values.isEmpty)
      }
    }
  }

  /// What stands in a database as JSON may have been written by anybody.
  @Test func recordedJSON() throws {
    try Fuzzer(
      "json",
      texts: [
        try JSONValue(encoding: RunRequest()).canonical,
        #"{"epsilon":0.03,"name":"pgd-margin","norm":"linf","steps":3}"#,
        try configuration().canonicalJSON(),
      ], words: ["\"epsilon\":", "\"images\":", "\"steps\":", "null", "true", "[[[[", "{\"a\":"]
    ).run { bytes in
      let text = text(bytes)
      _ = try? AttackConfiguration(json: text)
      _ = try? JSONDecoder().decode(Records.Configuration.self, from: Data(text.utf8))
      let request = try RunRequest(recorded: text, of: "01")
      _ = try request.lm.resolved(grid: NoiseGrid("linear:0.05:3:25"))
      _ = try ClassifierPlan(
        request.configuration, classCount: 10,
        shape: .init(channels: 1, height: 28, width: 28))
    }
  }
}
