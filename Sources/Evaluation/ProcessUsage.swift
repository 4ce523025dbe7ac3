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
      let peakMemory = Self.highWaterMark ?? Int(usage.ru_maxrss) * 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      let peakMemory = Int(usage.ru_maxrss)
    #endif
    func seconds(_ time: timeval) -> Double {
      Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
    }
    return ProcessUsage(
      cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      peakMemory: peakMemory)
  }

  #if os(Linux)
    /// Peak resident memory of this program alone, bytes: `ru_maxrss` of a process begins with the
    /// peak of whoever started it (getrusage(2)), `VmHWM` does not (proc_pid_status(5)).
    private static var highWaterMark: Int? {
      guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
        return nil
      }
      for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first
          .flatMap { Int($0) }.map { $0 * 1024 }
      }
      return nil
    }
  #endif
}
