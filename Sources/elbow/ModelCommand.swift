import ArgumentParser
import Basics
import Foundation
import Networks
import Records
import Reporting
import Statistics
import TensorCore

/// Looks at checkpoints.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Inspect checkpoints and verify what they compute.",
    discussion: """
      EXAMPLE:
        elbow model inspect fashion-mnist
      """,
    subcommands: [Inspect.self, Verify.self])

  /// Says what a checkpoint holds.
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a checkpoint's architecture, size and hash.",
      discussion: """
        EXAMPLE:
          elbow model inspect fashion-mnist --tensors
        """)

    @Argument(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
    var model: String
    @Flag(help: "List every tensor.") var tensors = false
    @OptionGroup var format: FormatOption

    func run() throws {
      let checkpoint = try Checkpoint(path: try ShippedModels.path(of: model))
      let a = checkpoint.architecture
      if tensors {
        return try format.write(
          ResultTable(
            columns: ["tensor", "dtype", "shape"],
            rows: checkpoint.file.entries.sorted { $0.key < $1.key }.map { name, entry in
              [
                .text(name), .text(entry.dtype.rawValue),
                .text(entry.shape.map(String.init).joined(separator: "×")),
              ]
            }))
      }
      var rows: [(String, Cell)] = [
        ("file", .text(checkpoint.file.path)),
        ("kind", .text(type(of: a).kind)),
        ("images", .text("\(a.shape)")),
        ("classes", .integer(Int64(a.classes))),
      ]
      rows += a.properties.map { ($0.name, Self.cell($0.value)) }
      rows += [
        ("parameters", .integer(Int64(checkpoint.parameterCount))),
        ("dtype", .text(checkpoint.dtype)),
        ("sha256", .text(checkpoint.sha256)),
        (
          "architecture from", .text(checkpoint.isInferred ? "tensor names and shapes" : "metadata")
        ),
      ]
      if format.format == .table {
        try format.write(
          ResultTable(columns: ["property", "value"], rows: rows.map { [.text($0.0), $0.1] }))
      } else {
        try format.write(ResultTable(columns: rows.map(\.0), rows: [rows.map(\.1)]))
      }
    }

    private static func cell(_ value: JSONValue) -> Cell {
      switch value {
      case .string(let text): .text(text)
      case .number(let number): Int64(exactly: number).map { .integer($0) } ?? .real(number)
      default: .text(value.canonical)
      }
    }
  }

  /// Compares what a checkpoint computes with saved values.
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare a checkpoint's outputs with saved ones.",
      discussion: """
        REFERENCE holds x (the noised input in [-1, 1]), sigma, label (-1: unconditional), \
        denoised, and optionally gradient, of Σ(D(x;σ,y) − x)² to x through both. For each the \
        worst row's relative error ‖a−b‖₂/‖b‖₂ is printed; above the tolerance the exit status is \
        1. Of a multi-head network the label's head is compared.

        EXAMPLE:
          elbow model verify fashion-mnist-small reference.safetensors
        """)

    @Argument(help: ArgumentHelp("Shipped model or safetensors file.", valueName: "name|file"))
    var model: String
    @Argument(help: "Safetensors file of saved values.") var reference: String
    @Option(help: "Of its products: fp32 or bf16.") var precision = Precision.fp32
    @Option(help: "Largest relative error (default: 1e-5 for denoised, 1e-3 for gradient).")
    var tolerance: Double?
    @OptionGroup var format: FormatOption

    func run() throws {
      let denoiser = try Checkpoint(path: try ShippedModels.path(of: model))
        .makeDenoiser(precision: precision)
      let file = try SafetensorsFile(path: reference)
      let rows = try DenoiserReference(file, for: denoiser).compare(denoiser)
      guard tolerance != nil || precision == .fp32 else {
        throw ValidationError("--precision bf16 has no usual error: give a --tolerance")
      }
      let limits = ["denoised": tolerance ?? 1e-5, "gradient": tolerance ?? 1e-3]
      let failed = rows.filter { !($0.error <= limits[$0.tensor] ?? 0) }
      try format.write(
        ResultTable(
          columns: ["tensor", "rows", "worst_row", "relative_error", "tolerance", "ok"],
          rows: rows.map {
            [
              .text($0.tensor), .integer(Int64($0.count)), .integer(Int64($0.row)),
              .real($0.error), .real(limits[$0.tensor] ?? 0),
              .text($0.error <= limits[$0.tensor] ?? 0 ? "yes" : "no"),
            ]
          }))
      if let worst = failed.first {
        Output.error(
          "elbow: \(worst.tensor) is off by \(worst.error) in row \(worst.row), above the tolerance"
        )
        throw ExitCode(1)
      }
    }
  }
}
