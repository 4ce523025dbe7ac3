import ArgumentParser
import Evaluation
import Experiments
import RunStore

/// What is asked of images, taken from a run or from a file: for commands that ask it in ways of their own.
struct AskedRequest: ParsableArguments {
  @Argument(help: ArgumentHelp("A run whose configuration is taken.", valueName: "run"))
  var run: String?
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp("YAML file of flags of 'elbow run'.", valueName: "file"))
  var config: String?
  @Option(help: ArgumentHelp("Images (default: the run's).", valueName: "n|a..b|a,b,c"))
  var images: String?
  @OptionGroup var moved: MovedData

  func validate() throws {
    guard (run == nil) != (config == nil) else {
      throw ValidationError("name a run, or a file with -c")
    }
  }

  /// The request, with the images asked for.
  ///
  /// - Throws: `ElbowError` where there is no such run or file, or it asks nothing.
  func request(_ store: RunStore) throws -> RunRequest {
    var request: RunRequest
    if let config {
      let file = try RequestFile(config)
      let known = file.values.filter { RequestKeys.named($0.key) != nil }
      request = try RequestKeys.request(Dictionary(known.map { ($0.key, $0.value) }) { $1 })
    } else {
      let recorded = try store.recordedRun(run ?? "")
      request = try RunRequest(recorded: recorded.invocation, of: recorded.id)
    }
    if let images { request.images = images }
    request.move(to: moved.data)
    return request
  }
}
