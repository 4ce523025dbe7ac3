import ArgumentParser
import Basics
import Foundation
import Records
import Reporting
import RunStore

/// Copies the runs of several files into one.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Copy the runs of several files into one, losing nothing.",
    usage: """
      elbow merge <files> ... --into <file>
      """,
    discussion: """
      Runs, trainings, metrics, tags and all that belongs to them; configurations, models, images and \
      code that several runs have in common are kept once. The files are only read, and may be of \
      older versions. Merging twice is merging once, in any order, and an interrupted merge leaves \
      the file as it was before the file at hand.

      Runs of one id whose records are not the same are left apart, with what was made from them, and \
      named: exit status 1. Where only names, groups, notes or tags differ, those of the file merged \
      into stay. Runs that a process is at work on are left for the next merge.

      EXAMPLE:
        elbow merge part-1.db part-2.db --into all.db
      """)

  @Argument(help: ArgumentHelp("Files to copy from.", valueName: "files")) var files: [String]
  @Option(
    help: ArgumentHelp("File to copy into; it is made where there is none.", valueName: "file"))
  var into: String
  @OptionGroup var format: FormatOption

  func run() throws {
    let merged = try RunStore.merge(files, into: into, watch: Output.watch)
    try format.write(
      ResultTable(
        columns: ["file", "runs", "trainings", "known", "left_apart"],
        rows: merged.map { file in
          [.text(file.path)]
            + [file.runs, file.trainings, file.known, file.apart.count].map { .integer(Int64($0)) }
        }), keepsAll: true)
    for file in merged {
      for item in file.apart {
        Output.error("elbow: \(file.path): \(item.id): \(item.reason.rawValue) (\(item.what))")
      }
    }
    if merged.contains(where: { $0.apart.contains { $0.reason != .running } }) { throw ExitCode(1) }
  }
}
