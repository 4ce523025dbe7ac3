import Basics
import Foundation
import Networks
import Records
import TensorCore

extension DenoiserBenchmark {
  /// The same network here and in PyTorch, in turns: a row for each of forward pass, input gradient
  /// and training step, images a second, and what share of PyTorch's better Float32 layout, and of its
  /// bfloat16, this program reaches.
  ///
  /// - Parameters:
  ///   - python: an interpreter that has PyTorch.
  ///   - rounds: in each of which every figure is taken once; medians are given.
  /// - Throws: `ElbowError` for a model that cannot be read, or where Python fails.
  package func measure(against python: String, rounds: Int) throws -> ResultTable {
    let path = try ShippedModels.path(of: model)
    let denoiser = try Checkpoint(path: path).makeDenoiser(precision: precision)
    let peer = try PeerProcess(
      python, model: path, batch: batch, threads: workers.count)
    let measures = trains ? ["forward", "gradient", "train"] : ["forward", "gradient"]
    var rates: [String: [String: [Double]]] = [:]
    for _ in 0..<rounds {
      for measure in measures {
        let own =
          measure == "train"
          ? try trainingRate(denoiser)
          : try rate(denoiser, workers, withGradient: measure == "gradient")
        rates[measure, default: [:]]["elbow", default: []].append(own)
        for way in PeerProcess.ways {
          rates[measure, default: [:]][way, default: []].append(
            try peer.rate(way, measure, seconds: seconds))
        }
      }
    }
    return Self.table(
      rates, measures, [.text(model), .integer(Int64(workers.count)), .integer(Int64(batch))],
      rounds: rounds, torch: peer.version)
  }

  /// Medians, and shares of them.
  static func table(
    _ rates: [String: [String: [Double]]], _ measures: [String], _ about: [Cell], rounds: Int,
    torch: String
  ) -> ResultTable {
    ResultTable(
      columns: ["measure", "elbow"] + PeerProcess.ways.map { "torch_\($0)" }
        + ["ratio", "ratio_bf16", "rounds", "model", "threads", "batch", "torch"],
      rows: measures.map { measure in
        func median(_ way: String) -> Double {
          let sorted = rates[measure]?[way]?.sorted() ?? []
          return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
        }
        let (own, best) = (median("elbow"), max(median("nchw"), median("nhwc")))
        func rounded(_ value: Double, _ scale: Double) -> Cell {
          .real((value * scale).rounded() / scale)
        }
        return [.text(measure), rounded(own, 10)]
          + PeerProcess.ways.map { rounded(median($0), 10) }
          + [
            rounded(own / best, 100), rounded(own / median("bf16"), 100), .integer(Int64(rounds)),
          ] + about + [.text(torch)]
      })
  }
}
