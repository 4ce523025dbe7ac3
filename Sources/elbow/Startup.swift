import CProcessor
import Foundation

/// What the program does before anything else: it makes sure that it runs here.
enum Startup {
  /// Ends the program where it was compiled for a processor that can do more than this one.
  ///
  /// It asks the processor, and uses neither the engine nor text that is put together: any of that
  /// may be compiled for the other processor.
  static func checkProcessor() {
    #if SIMD_512
      let isEnough = processor_has_avx512() != 0
      let message: StaticString = """
        elbow: built for x86-64-v4, but this processor has no AVX-512 (or its system does not let \
        programs use it); build it here, or anywhere with ELBOW_ARCH=x86-64-v3 or ELBOW_ARCH=baseline

        """
    #elseif SIMD_256
      let isEnough = processor_has_avx2() != 0
      let message: StaticString = """
        elbow: built for x86-64-v3, but this processor has no AVX2, FMA or BMI2; build it here, or \
        anywhere with ELBOW_ARCH=baseline

        """
    #else
      let isEnough = true
      let message: StaticString = ""
    #endif
    guard !isEnough else { return }
    _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
    _exit(1)
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
