import ArgumentParser
import Basics
import Datasets
import Evaluation
import Foundation
import Networks
import Queries
import Records
import Reporting
import RunStore
import Statistics
import TensorCore

/// Checks that everything Elbow needs is there and in good order.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check processor, BLAS, SQLite, data, models and the database.",
    discussion: """
      Exits 1 where something needs attention. Of the database it tells what `elbow query health` counts:
      whether the file is whole. Whether each row is what was recorded, `elbow verify` tells.

      EXAMPLE:
        elbow doctor
      """)

  @OptionGroup var database: DatabaseOption
  @OptionGroup var format: FormatOption

  private struct Finding {
    var item: String
    var status = "ok"
    var detail: String
  }

  func run() throws {
    var findings = [processor, energy, blas, sqlite]
    findings += DatasetCatalog.names.map(dataset)
    findings += ShippedModels.names.map(model)
    findings += databaseFindings
    try format.write(
      ResultTable(
        columns: ["item", "status", "detail"],
        rows: findings.map { [.text($0.item), .text($0.status), .text($0.detail)] }))
    if findings.contains(where: { $0.status == "bad" }) { throw ExitCode(1) }
  }

  private var processor: Finding {
    let (current, fastest) = (InstructionSet.current.name, InstructionSet.available.last?.name)
    return Finding(
      item: "processor", status: current == fastest ? "ok" : "slow",
      detail:
        "\(Machine.cpu), \(ProcessInfo.processInfo.activeProcessorCount) cores; computes with "
        + "\(current), bf16 \(BFloat16.current.name)"
        + (current == fastest ? "" : ": this processor can do more, unset ELBOW_ARCH"))
  }

  private var energy: Finding {
    let counters = EnergyMeter.availability()
    return Finding(
      item: "energy", status: counters.isThere ? "ok" : "absent", detail: counters.text)
  }

  private var blas: Finding {
    let better = Processor.betterKernel
    return Finding(
      item: "BLAS", status: better == nil ? "ok" : "slow",
      detail: "\(BLAS.version), kernel \(BLAS.kernel)"
        + (better.map { ": set OPENBLAS_CORETYPE=\($0)" } ?? ", the best for this processor"))
  }

  private var sqlite: Finding {
    Finding(item: "SQLite", detail: RunStore.sqliteVersion)
  }

  private func dataset(_ name: String) -> Finding {
    do {
      let directory = try DatasetCatalog.directory(of: name)
      let counts = try DatasetCatalog.splits.map {
        "\(try DatasetCatalog.load(name, split: $0).count) \($0)"
      }
      return Finding(
        item: "dataset \(name)",
        detail: "\(counts.joined(separator: ", ")) images in \(directory ?? "")")
    } catch {
      // The default dataset must be there; the others are a user's choice.
      let isNeeded = name == DatasetCatalog.names[0]
      return Finding(
        item: "dataset \(name)", status: isNeeded ? "bad" : "absent",
        detail: Output.spelled("\(error)"))
    }
  }

  private func model(_ name: String) -> Finding {
    do {
      let checkpoint = try Checkpoint(path: try ShippedModels.path(of: name))
      try checkpoint.check()
      return Finding(
        item: "model \(name)",
        detail: "\(checkpoint.parameterCount) parameters, \(checkpoint.dtype), SHA-256 "
          + checkpoint.sha256.prefix(12) + "…")
    } catch {
      return Finding(item: "model \(name)", status: "bad", detail: Output.spelled("\(error)"))
    }
  }

  private var databaseFindings: [Finding] {
    let path = database.path
    guard FileManager.default.fileExists(atPath: path) else {
      return [Finding(item: "database", status: "absent", detail: "no \(path) yet")]
    }
    do {
      let store = try RunStore(path, for: .read)
      let health = try store.query(.health)
      func count(_ column: String) -> Int { Int(nearest: health[0, column].number ?? 0) }
      var findings = [
        Finding(
          item: "database", status: store.notice == nil ? "ok" : "newer",
          detail: store.notice
            ?? "\(path): \(count("runs").counted("run")), \(count("predictions").counted("prediction"))"
        )
      ]
      let integrity = health[0, "integrity"].text(null: "no answer")
      if integrity != "ok" || count("broken_references") > 0 || count("wrong_totals") > 0 {
        findings.append(
          Finding(
            item: "database health", status: "bad",
            detail:
              "integrity: \(integrity); broken references: \(count("broken_references")); runs "
              + "with wrong totals: \(count("wrong_totals")); restore a backup"))
      } else {
        findings.append(
          Finding(item: "database health", detail: "integrity, references and totals are right"))
      }
      if count("resumable") > 0 {
        findings.append(
          Finding(
            item: "unfinished runs", status: "note",
            detail: "\(count("resumable")); list them with: elbow runs --status ci\(database.flag)")
        )
      }
      return findings
    } catch {
      return [Finding(item: "database", status: "bad", detail: Output.spelled("\(error)"))]
    }
  }
}
