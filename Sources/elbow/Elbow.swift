import ArgumentParser
import Classifiers
import Foundation
import Records
import RunStore
import TensorCore

/// The `elbow` command.
@main
struct Elbow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "elbow",
    abstract: "Runs diffusion classifiers, records every run in SQLite, and compares them.",
    version: elbowVersion,
    subcommands: [
      DemoCommand.self, RunCommand.self, RunsCommand.self, ShowCommand.self, CompareCommand.self,
      DiffCommand.self, ParetoCommand.self, ReplayCommand.self, ExportCommand.self,
      PlotCommand.self, QueryCommand.self, SQLCommand.self,
      SweepCommand.self, LogCommand.self, MetricsCommand.self, TagCommand.self, NoteCommand.self,
      GroupCommand.self,
      RemoveCommand.self, RestoreCommand.self, CollectCommand.self,
      StrategyCommand.self, TrainCommand.self,
      ModelCommand.self, DoctorCommand.self, BenchCommand.self,
    ])

  /// Exit status: 0, 1 for what went wrong while running, 2 for what was asked wrongly.
  static func main() {
    signal(SIGPIPE, SIG_IGN)
    Processor.check()
    Processor.restartWithBetterKernel()
    do {
      let arguments = try ConfigurationFile.expand(Array(CommandLine.arguments.dropFirst()))
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch is ClosedPipe {
      Foundation.exit(0)
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch let error as UsageProblem where error.isUsage {
      Output.error("elbow: \(error)")
      Foundation.exit(2)
    } catch {
      switch exitCode(for: error) {
      case .success:
        Output.quietly { try Output.write(fullMessage(for: error) + "\n") }
        Foundation.exit(0)
      case .validationFailure:
        Output.error(fullMessage(for: error))
        Foundation.exit(2)
      default:
        Output.error("elbow: \(error)")
        Foundation.exit(1)
      }
    }
  }
}

/// An error that may be the user's request rather than the world.
protocol UsageProblem: Error, CustomStringConvertible {
  var isUsage: Bool { get }
}

extension ConfigurationError: UsageProblem {
  var isUsage: Bool { true }
}

extension RunStoreError: UsageProblem {}
