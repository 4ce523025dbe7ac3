import Foundation

/// What an engine has used since it was started.
package struct EngineUsage: Sendable {
  /// User + system CPU seconds; nil where this system does not tell, or it has ended.
  package var cpuSeconds: Double?
  /// Peak resident memory, bytes.
  package var peakMemory: Int?
  /// Joules that its GPU has used, as it said last.
  package var gpuEnergy: Double?
  /// Most memory that it has taken of its GPU, bytes, as it said last.
  package var gpuMemory: Int?

  /// What Linux tells of a process (proc_pid_stat(5), proc_pid_status(5)); nothing elsewhere.
  ///
  /// - Parameter process: its id.
  init(of process: Int32) {
    #if os(Linux)
      if let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        // A name in parentheses may hold spaces.
        let end = text.lastIndex(of: ")")
      {
        let fields = text[end...].split(separator: " ").dropFirst()
        // utime, stime, and those of children that it waited for: the 14th to 17th.
        let ticks = fields.dropFirst(11).prefix(4).compactMap { Double($0) }
        if ticks.count == 4 {
          cpuSeconds = ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
      }
      if let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
      {
        peakMemory = line.split(whereSeparator: \.isWhitespace).dropFirst().first
          .flatMap { Int($0) }.map { $0 * 1024 }
      }
    #endif
  }
}
