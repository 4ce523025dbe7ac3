import ArgumentParser
import Basics
import Classifiers
import Foundation
import Records
import RunStore

/// The `elbow` command.
@main
struct Elbow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "elbow",
    abstract: "Runs diffusion classifiers, records every run in SQLite, and compares them.",
    discussion: """
      Runs are named by the beginning of an id, @last, @last~2 (the third newest), their name, and, \
      where several are taken, by a group. --quiet (-q), with any command, shows results and errors \
      only.

      EXAMPLE:
        elbow demo
        elbow show @last
      """,
    version: elbowVersion,
    subcommands: [
      DemoCommand.self, RunCommand.self, RunsCommand.self, ShowCommand.self, WatchCommand.self,
      CompareCommand.self,
      RobustnessCommand.self, SanityCommand.self, CertifyCommand.self, TransferCommand.self,
      DiffCommand.self, ParetoCommand.self, ReplayCommand.self, ExportCommand.self,
      PlotCommand.self, QueryCommand.self, SQLCommand.self, ServeCommand.self,
      SweepCommand.self, LogCommand.self, IngestCommand.self, ImportCommand.self,
      MetricsCommand.self, TagCommand.self,
      NoteCommand.self,
      GroupCommand.self,
      RemoveCommand.self, RestoreCommand.self, CollectCommand.self,
      StrategyCommand.self, TrainCommand.self,
      ModelCommand.self, VerifyCommand.self, ReproduceCommand.self, MergeCommand.self,
      EngineCommand.self, DoctorCommand.self, BenchCommand.self,
      InstallCommand.self, UninstallCommand.self, CompletionCommand.self, CompleteCommand.self,
    ])

  /// Exit status: 0, 1 for what went wrong while running, 2 for what was asked wrongly.
  static func main() {
    Startup.checkProcessor()
    Startup.takeSignals()
    var arguments = Array(Output.arguments.dropFirst())
    do {
      arguments = try Arguments.expand(arguments)
      if let message = Usage.unknownCommand(arguments) {
        Output.error(message)
        Foundation.exit(2)
      }
      var command = try parseAsRoot(arguments)
      do { try command.run() } catch let error as ValidationError {
        // Only what is thrown while parsing comes with the usage of the command at hand.
        Output.error(Usage.message(error, of: type(of: command)))
        Foundation.exit(2)
      }
      Output.progress.end()
    } catch is ClosedPipe {
      Foundation.exit(0)
    } catch is CancellationError {
      Output.error("elbow: interrupted")
      Foundation.exit(130)
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch let error as ElbowError {
      Output.error(error)
      Foundation.exit(error.isUsage ? 2 : 1)
    } catch {
      switch exitCode(for: error) {
      case .success:
        Output.quietly { try Output.write(Usage.folded(fullMessage(for: error)) + "\n") }
        Foundation.exit(0)
      case .validationFailure:
        Output.error(Usage.message(fullMessage(for: error), arguments: arguments))
        Foundation.exit(2)
      default:
        Output.error(error)
        Foundation.exit(1)
      }
    }
  }
}

extension ElbowError {
  /// Whether the request was wrong rather than the world.
  var isUsage: Bool {
    switch code {
    case .unknownName, .ambiguous, .malformed, .conflict: true
    case .missing, .inaccessible, .damaged, .newer, .busy, .full, .diverged, .late: false
    }
  }
}
