import ArgumentParser
import Basics
import Foundation
import Networks
import Packaging
import Records
import Reporting
import RunStore

/// Where the program is installed.
struct PrefixOption: ParsableArguments {
  @Option(help: ArgumentHelp("Folder that has, or gets, bin and share.", valueName: "dir"))
  var prefix = "~/.local"
  @OptionGroup var format: FormatOption

  var installation: Installation { Installation(prefix: prefix, version: elbowVersion) }

  func write(_ report: Installation.Report) throws {
    try format.write(
      ResultTable(
        columns: ["file", "state"],
        rows: report.map { [.text($0.path), .text($0.outcome.rawValue)] }))
  }
}

/// Puts the program where it is found.
struct InstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Install the program, its models, completions and manual.",
    discussion: """
      The copy needs neither the checkout nor Swift; OpenBLAS, SQLite and zlib come from the \
      system. Only files of an earlier installation are overwritten, and those only where they are \
      as it left them. bash and fish find their completions by themselves, zsh where the folder \
      share/zsh/site-functions of the prefix is in its fpath.

      EXAMPLE:
        elbow install --prefix ~/.local
      """)

  @OptionGroup var options: PrefixOption

  func run() throws {
    let installation = options.installation
    try options.write(installation.install(Self.files()))
    let bin = installation.prefix + "/bin"
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    Output.note(
      "elbow: installed in \(installation.prefix)"
        + (path.split(separator: ":").contains(Substring(bin)) ? "" : "; add \(bin) to PATH"))
  }

  /// The program itself with all that belongs to it.
  private static func files() throws -> [Installation.File] {
    guard let models = ShippedModels.folder else {
      throw ElbowError(
        .missing, "the shipped models are not beside this program, so it cannot be installed")
    }
    let today = Date.now.formatted(.iso8601.year().month().day())
    let pages = ManualPage.pages(of: try .elbow(), version: elbowVersion, date: today)
    let program = Installation.File("bin/elbow", try contents(of: program), isProgram: true)
    let checkpoints = try ShippedModels.names.map { name in
      let file = name + ".safetensors"
      return Installation.File("share/elbow/models/" + file, try contents(of: models + "/" + file))
    }
    let scripts = Shell.allCases.map { Installation.File($0.place, Data($0.script.utf8)) }
    let manual = pages.map { Installation.File("share/man/man1/" + $0.name, Data($0.text.utf8)) }
    return [program] + checkpoints + scripts + manual
  }

  /// The file that is running.
  private static var program: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? Bundle.main.executablePath ?? Output.arguments[0]
  }

  private static func contents(of path: String) throws -> Data {
    do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
      throw ElbowError(.inaccessible, "\(path): cannot be read (\(error.localizedDescription))")
    }
  }
}

/// Takes it away again.
struct UninstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall", abstract: "Remove what 'elbow install' has put somewhere.",
    discussion: """
      Files that were changed since are kept.

      EXAMPLE:
        elbow uninstall --prefix ~/.local
      """)

  @OptionGroup var options: PrefixOption

  func run() throws {
    let installation = options.installation
    let report = try installation.uninstall()
    try options.write(report)
    let kept = report.filter { $0.outcome == .kept }.count
    Output.note(
      "elbow: removed from \(installation.prefix)"
        + (kept == 0 ? "" : "; \(kept) changed \(kept == 1 ? "file is" : "files are") kept"))
  }
}
