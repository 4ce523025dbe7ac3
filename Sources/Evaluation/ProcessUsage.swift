import Foundation

/// What this process has used so far.
package struct ProcessUsage: Sendable {
  /// User + system CPU seconds.
  package let cpuSeconds: Double
  /// Peak resident memory, bytes.
  package let peakMemory: Int

  /// The usage now.
  package static var current: ProcessUsage {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      let unit = 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      let unit = 1
    #endif
    func seconds(_ time: timeval) -> Double {
      Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
    }
    return ProcessUsage(
      cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      peakMemory: Int(usage.ru_maxrss) * unit)
  }
}
