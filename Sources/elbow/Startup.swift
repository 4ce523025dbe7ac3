import Foundation
import TensorCore

/// What the program does before anything else.
enum Startup {
  /// Ends the program where `ELBOW_ARCH` names an instruction set that this processor does not have.
  static func checkProcessor() {
    guard InstructionSet.chosen == nil else { return }
    let known = InstructionSet.available.map(\.name).joined(separator: ", ")
    FileHandle.standardError.write(
      Data(
        "elbow: the environment's ELBOW_ARCH names what this processor lacks; it has \(known)\n"
          .utf8))
    exit(2)
  }

  /// Lets signals through that end the program, whoever started it: a thread that blocks them passes
  /// that on to what it starts.
  static func takeSignals() {
    signal(SIGPIPE, SIG_IGN)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
