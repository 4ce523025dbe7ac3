import ArgumentParser
import Basics
import Evaluation
import Experiments
import Foundation
import RunStore

/// How a sweep becomes a batch script.
struct SlurmOptions: ParsableArguments {
  @Flag(help: "Write a Slurm batch script that carries the sweep out, and run nothing.")
  var slurm = false
  @Option(help: ArgumentHelp("Tasks of the script (default: one a cell, at most 16).")) var tasks:
    Int?
  @Option(help: ArgumentHelp("Partition of the script (default: the cluster's).")) var partition:
    String?

  /// The script of a plan.
  ///
  /// - Parameters:
  ///   - flags: of the sweep, which every task takes.
  ///   - threads: of a task.
  /// - Throws: `ElbowError` for values out of range.
  func script(
    _ plan: SweepPlan, of file: String, flags: [String], group: String, threads: Int,
    into database: String
  ) throws -> String {
    let tasks = tasks ?? min(plan.cells.count, 16)
    guard (1...max(plan.cells.count, 1)).contains(tasks) else {
      throw ElbowError(
        .malformed, "`tasks` must be 1 to the number of cells, \(plan.cells.count), got \(tasks)")
    }
    if let partition, partition.contains(where: { $0.isWhitespace || $0.isNewline }) {
      throw ElbowError(.malformed, "`partition` '\(partition)' is no name of a partition")
    }
    func absolute(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.path(percentEncoded: false)
    }
    let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? absolute(Output.program)
    var script = SlurmScript(
      name: name, program: program, file: absolute(file),
      parts: absolute(database) + ".parts", all: absolute(database), tasks: tasks,
      cores: threads,
      // As much again as planning took, with all models and images read, and room for activations.
      memory: 2 * ProcessUsage.current.peakMemory + threads << 28,
      seconds: SlurmScript.seconds(cells: plan.cells.map(\.secondsLeft), tasks: tasks))
    script.flags = flags + ["--group", group]
    script.partition = partition
    return script.text
  }
}
