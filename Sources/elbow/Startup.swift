import Foundation
import TensorCore

/// What the program does before anything else.
enum Startup {
  /// Ends the program where the environment asks for what this processor does not have.
  static func checkProcessor() {
    guard InstructionSet.chosen != nil else {
      end("ELBOW_ARCH", "instruction set", InstructionSet.available.map(\.name))
    }
    guard BFloat16.chosen != nil else {
      end("ELBOW_BF16", "way to multiply bfloat16", BFloat16.available.map(\.name))
    }
  }

  private static func end(_ variable: String, _ what: String, _ known: [String]) -> Never {
    let text = "elbow: the environment's \(variable) names no \(what) of this processor, which has "
    FileHandle.standardError.write(Data((text + known.joined(separator: ", ") + "\n").utf8))
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
