import Basics
import Foundation
import TensorCore

/// What the program does before anything else: it makes sure that it runs well here.
enum Startup {
  /// Ends the program where it was compiled for a processor that can do more than this one.
  static func checkProcessor() {
    let missing = Processor.missingFeatures
    guard !missing.isEmpty else { return }
    Output.error(
      "elbow: built for \(compiledInstructionSet), but this processor has no "
        + "\(missing.joined(separator: ", ")); build it here, or with ELBOW_ARCH=baseline")
    exit(1)
  }

  /// Starts the program anew, once, where OpenBLAS chose a slower kernel than the processor allows:
  /// it reads `OPENBLAS_CORETYPE` only while it is loaded.
  static func restartWithBetterKernel() {
    let marker = "ELBOW_RESTARTED"
    let environment = ProcessInfo.processInfo.environment
    guard environment["OPENBLAS_CORETYPE"] == nil, environment[marker] == nil,
      let kernel = Processor.betterKernel
    else { return }
    setenv("OPENBLAS_CORETYPE", kernel, 1)
    setenv(marker, "1", 1)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    // Where exec is not possible, the slower kernel works as well.
  }
}
