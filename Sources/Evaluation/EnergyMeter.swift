import Basics
import Foundation
import Synchronization

/// Joules that the processor and its memory have used, as RAPL counts them.
///
/// The kernel shows a counter for each package of the processor, Intel's or AMD's, and where there is
/// one for its memory, in microjoules (`/sys/class/powercap/intel-rapl:0/energy_uj`). It counts for the
/// whole machine, not for one process, and begins again at `max_energy_range_uj`: within minutes of
/// heavy work, so that it is looked at more often. Where a counter cannot be read, as for who is not
/// root since Linux 5.10, nothing is measured and nothing is guessed.
package final class EnergyMeter: Sendable {
  private struct Counter: Sendable {
    var folder: String
    /// What it counts to, microjoules; it goes on at 0.
    var range: UInt64
    var last: UInt64
  }

  private struct State: Sendable {
    var counters: [Counter]
    var microjoules: UInt64 = 0
    /// Whether every look has found what it looked for.
    var isWhole = true
  }

  private let state: Mutex<State>
  private let done = DispatchSemaphore(value: 0)

  /// Where Linux shows the counters.
  package static let folder = "/sys/class/powercap"
  /// Seconds between two looks: at 4 kW the usual range of 262 kJ lasts longer.
  private static let interval = 60.0

  /// Begins to count.
  ///
  /// - Parameter folder: of the counters.
  /// - Returns: nil where there are none, or one of them cannot be read.
  package init?(_ folder: String = EnergyMeter.folder) {
    let zones = Self.zones(folder)
    let counters = zones.compactMap { zone -> Counter? in
      guard let last = Self.number(zone + "/energy_uj"),
        let range = Self.number(zone + "/max_energy_range_uj"), range > 0
      else { return nil }
      return Counter(folder: zone, range: range, last: last)
    }
    guard !counters.isEmpty, counters.count == zones.count else { return nil }
    state = Mutex(State(counters: counters))
  }

  /// Begins to count, and looks often enough by itself.
  ///
  /// - Returns: nil as `init`.
  package static func started() -> EnergyMeter? {
    guard let meter = EnergyMeter() else { return nil }
    Thread.detachNewThread { [weak meter, done = meter.done] in
      while done.wait(timeout: .now() + interval) == .timedOut, let meter { meter.look() }
    }
    return meter
  }

  deinit { done.signal() }

  /// Joules since it began; nil where a counter could not be read any more.
  package var joules: Double? {
    look()
    return state.withLock { $0.isWhole ? Double($0.microjoules) / 1e6 : nil }
  }

  /// Adds what the counters have counted since the last look.
  private func look() {
    state.withLock { state in
      for index in state.counters.indices {
        let counter = state.counters[index]
        guard let now = Self.number(counter.folder + "/energy_uj") else {
          state.isWhole = false
          continue
        }
        // Smaller than before: it has been at its end once.
        state.microjoules +=
          now >= counter.last
          ? now - counter.last : now + counter.range - min(counter.last, counter.range)
        state.counters[index].last = now
      }
    }
  }

  /// What is counted, or why nothing is.
  ///
  /// - Parameter folder: of the counters.
  package static func availability(_ folder: String = folder) -> (isThere: Bool, text: String) {
    let zones = zones(folder)
    guard !zones.isEmpty else {
      return (false, "no counters (RAPL) below \(folder), as in most virtual machines")
    }
    if let closed = zones.first(where: { number($0 + "/energy_uj") == nil }) {
      return (false, "\(closed)/energy_uj cannot be read, since Linux 5.10 by root alone")
    }
    let names = zones.map { name(of: $0) ?? "" }
    return (true, "RAPL counts \(names.joined(separator: ", ")), of the whole machine")
  }

  /// The zones that are to be counted, as paths.
  private static func zones(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix("intel-rapl:") }.sorted().map { folder + "/" + $0 }
      .filter(counts)
  }

  /// Whether a zone is to be counted: packages, and memory, which theirs leave out. Their cores and
  /// the platform around them would be counted twice, and so would what the chipset shows again.
  private static func counts(_ zone: String) -> Bool {
    name(of: zone).map { $0.hasPrefix("package") || $0 == "dram" } ?? false
  }

  private static func name(of zone: String) -> String? {
    (try? String(contentsOfFile: zone + "/name", encoding: .utf8))?.trimmed
  }

  private static func number(_ path: String) -> UInt64? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { UInt64($0.trimmed) }
  }
}
