import Foundation

/// Names one process for good: its id alone is used again after it ends.
struct ProcessIdentity: Hashable, Sendable {
  var host: String
  /// Random id of the boot.
  var bootID: String
  var pid: Int64
  /// Start time in clock ticks since boot.
  var started: String
  /// Namespace that the pid counts in.
  var namespace: String

  /// Host of runs that another tracker kept: nobody has said which.
  static let elsewhere = "unknown"

  /// This process.
  static let current: ProcessIdentity = {
    let pid = Int64(getpid())
    return ProcessIdentity(
      host: ProcessInfo.processInfo.hostName, bootID: bootID, pid: pid,
      started: startTime(of: pid) ?? "", namespace: currentNamespace)
  }()

  /// Whether the process lives; nil where it cannot be known from here: another boot, host or
  /// namespace, or one of another user that is not shown.
  var isAlive: Bool? {
    guard !bootID.isEmpty, bootID == Self.bootID, namespace == Self.currentNamespace else {
      return nil
    }
    guard let id = pid_t(exactly: pid), id > 0 else { return false }
    guard Self.read("/proc/\(id)/stat") != nil else {
      return kill(id, 0) == 0 || errno == EPERM ? nil : false
    }
    return Self.startTime(of: pid) == started
  }

  private static let bootID = read("/proc/sys/kernel/random/boot_id") ?? ""
  private static let currentNamespace =
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""

  private static func startTime(of pid: Int64) -> String? {
    // Field 22; the command in field 2 may hold spaces, so count from its closing parenthesis.
    guard let stat = read("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else {
      return nil
    }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return String(fields[19])
  }

  private static func read(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
