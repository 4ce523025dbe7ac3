import ArgumentParser
import Experiments
import Reporting
import RunStore

/// An image of a run as it was classified.
struct ImagePlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "An image of a run, clean and as it was classified.",
    discussion: """
      Signals are drawn as curves in their own unit. The clean image is read from its dataset, where \
      this is still what it was.

      EXAMPLE:
        elbow plot image @last --image 3
      """)

  @OptionGroup var chosen: ImageOfRun
  @OptionGroup var options: PlotOptions

  func run() throws {
    let store = try options.database.read()
    let id = try store.runID(chosen.prefix)
    try options.write(
      Figure(
        image: RecordedPixels(id, image: chosen.image, data: chosen.moved.data, store), run: id,
        store))
  }
}

/// The image that a plot is of.
struct ImageOfRun: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The run: an id or its beginning, @last, @last~2, or its name.", valueName: "run"))
  var prefix: String
  @Option(help: ArgumentHelp("Index of the image in its split.", valueName: "index"))
  var image: Int
  @OptionGroup var moved: MovedData
}
