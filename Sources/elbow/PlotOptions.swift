import ArgumentParser
import Foundation
import Records
import Reporting
import RunStore
import Statistics

/// Where a plot goes.
struct PlotOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "File to draw, ending in svg, png or pdf (default: the terminal).", valueName: "file"))
  var output: String?
  @Option(help: ArgumentHelp("Keep gnuplot's script, data included.", valueName: "file"))
  var script: String?
  @OptionGroup var database: DatabaseOption

  func validate() throws { _ = try format() }

  /// Of `output`; nil: the terminal.
  private func format() throws -> Figure.ImageFormat? {
    guard let output else { return nil }
    let ending = URL(fileURLWithPath: output).pathExtension.lowercased()
    guard let format = Figure.ImageFormat(rawValue: ending) else {
      throw ValidationError("\(output): plots are drawn as .svg, .png or .pdf")
    }
    return format
  }

  /// Draws the figure.
  func write(_ figure: Figure) throws {
    let format = try format()
    if let script {
      let image = output ?? script + ".svg"
      try OutputFile.write(script) { try $0(figure.gnuplot(format ?? .svg, output: image)) }
    }
    if let output, let format {
      try OutputFile.write(output, Gnuplot.image(of: figure, format))
    } else if script == nil {
      let lines = figure.text(width: Output.width ?? 100)
      try Output.write(lines.joined(separator: "\n") + "\n")
    }
  }
}

/// Plots of runs and trainings.
struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract:
      "Draw accuracy, robustness, certificates, evidence, images, landscapes, confusion or trainings.",
    discussion: """
      In the terminal, or with -o FILE.svg, .png or .pdf through gnuplot (apt-get install \
      gnuplot-nox). The ids of the runs behind a plot stand in it, and in the description of an \
      SVG.

      EXAMPLE:
        elbow plot accuracy
        elbow plot confusion @last -o confusion.svg
      """,
    subcommands: [
      AccuracyPlot.self, EpsilonPlot.self, CertifiedPlot.self, EvidencePlot.self, ImagePlot.self,
      ErrorsPlot.self, LandscapePlot.self,
      ConfusionPlot.self, TrainingPlot.self, MetricsPlot.self,
    ])
}
