import ArgumentParser
import Basics
import Experiments
import Foundation
import Records
import RunStore
import Training

/// Flags of every training.
struct TrainOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp("YAML file of the recipe.", valueName: "file"))
  var config: String
  @Option(help: ArgumentHelp("Where the model goes.", valueName: "file"))
  var out: String
  @Option(help: ArgumentHelp("Folder of the dataset's files.", valueName: "dir"))
  var data: String?
  @OptionGroup var database: DatabaseOption
  @Option(help: "Worker threads (default: all cores).") var threads: Int?
  @Option(help: ArgumentHelp("Stop after this time, as 90s, 30m or 2h; the state is kept."))
  var budget: String?

  func validate() throws {
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads must be 1 to 1024")
    }
  }

  /// Trains what the recipe of this kind says, and records it.
  ///
  /// - Throws: `ElbowError`, and `ExitCode` where the training was interrupted.
  func train<Recipe: TrainingRecipe>(_ kind: Recipe.Type) throws {
    let seconds = try budget.map(RunCommand.seconds)
    CurrentCode.findOut()
    let training = RecordedTraining(try Recipe(file: config), model: out, data: data)
    let session = Session(threads: threads, watch: Output.watch, arguments: Output.arguments)
    let interruption = Interruption(session.workers, budget: seconds)
    var store: RunStore?
    defer { store?.close() }
    let outcome: RecordedTraining<Recipe>.Outcome
    do {
      outcome = try training.run(in: session) {
        let opened = try database.record()
        store = opened
        return opened
      }
    } catch let error as ElbowError where error.code == .malformed {
      throw error.prefixed(config)
    }
    guard outcome.isFinished else {
      Output.error(
        "elbow: \(interruption.isOutOfTime ? "time is up" : "interrupted") at step "
          + "\(outcome.step) of \(outcome.steps); the same command goes on")
      throw ExitCode(interruption.isOutOfTime ? 0 : 130)
    }
    try Output.write("\(out)\n")
  }
}
