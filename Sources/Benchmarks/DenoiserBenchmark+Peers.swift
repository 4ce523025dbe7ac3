import Basics
import Foundation
import Networks
import Records
import TensorCore

extension DenoiserBenchmark {
  /// The same network here and in PyTorch, ONNX Runtime and OpenVINO, in turns: a row for each of
  /// forward pass, input gradient and training step, images a second, and how many times the fastest
  /// of the others in Float32, and PyTorch's bfloat16, this program computes. A way that the
  /// interpreter has not, or that cannot take a measure, is left empty.
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
        for way in PeerProcess.ways where peer.ways[way]?.contains(measure) == true {
          rates[measure, default: [:]][way, default: []].append(
            try peer.rate(way, measure, seconds: seconds))
        }
      }
    }
    return Self.table(
      rates, measures, [.text(model), .integer(Int64(workers.count)), .integer(Int64(batch))],
      rounds: rounds, versions: peer.versions)
  }

  /// Medians, and shares of them.
  static func table(
    _ rates: [String: [String: [Double]]], _ measures: [String], _ about: [Cell], rounds: Int,
    versions: [String: String]
  ) -> ResultTable {
    ResultTable(
      columns: ["measure", "elbow"] + PeerProcess.ways
        + ["fastest", "ratio", "ratio_bf16", "rounds", "model", "threads", "batch"]
        + PeerProcess.modules.map { "\($0)_version" },
      rows: measures.map { measure in
        let medians = (rates[measure] ?? [:]).mapValues { $0.sorted()[$0.count / 2] }
        let own = medians["elbow"] ?? .nan
        let fastest = PeerProcess.ways.filter { $0 != "torch_bf16" && medians[$0] != nil }
          .max { medians[$0] ?? 0 < medians[$1] ?? 0 }
        func rounded(_ value: Double?, _ scale: Double) -> Cell {
          value.map { .real(($0 * scale).rounded() / scale) } ?? .null
        }
        func ratio(_ way: String?) -> Cell {
          rounded(way.flatMap { medians[$0] }.map { own / $0 }, 100)
        }
        return [.text(measure), rounded(own, 10)]
          + PeerProcess.ways.map { rounded(medians[$0], 10) }
          + [
            fastest.map { .text($0) } ?? .null, ratio(fastest), ratio("torch_bf16"),
            .integer(Int64(rounds)),
          ]
          + about + PeerProcess.modules.map { versions[$0].map { .text($0) } ?? .null }
      })
  }
}
