import Evaluation
import Foundation
import TestSupport
import Testing

/// Energy is what the kernel's counters say, or nothing.
struct EnergyTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A zone as the kernel shows it.
  private func zone(_ zone: String, _ name: String, _ energy: Int?, range: Int = 1_000_000) throws {
    let path = folder.file(zone)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let files = [
      "name": name, "energy_uj": energy.map { "\($0)" }, "max_energy_range_uj": "\(range)",
    ]
    for (file, text) in files {
      guard let text else { continue }
      try (text + "\n").write(toFile: path + "/" + file, atomically: true, encoding: .utf8)
    }
  }

  /// Packages and memory count; cores, the platform and what is shown a second time do not.
  @Test func packagesAndMemoryCount() throws {
    let zones: [(String, String, Int)] = [
      ("intel-rapl:0", "package-0", 100), ("intel-rapl:0:0", "core", 50),
      ("intel-rapl:0:1", "dram", 10), ("intel-rapl:1", "package-1", 300),
      ("intel-rapl:2", "psys", 900), ("intel-rapl-mmio:0", "package-0", 100),
    ]
    for (place, name, energy) in zones { try zone(place, name, energy) }
    let meter = try #require(EnergyMeter(folder.path))
    #expect(meter.joules == 0)
    for (place, name, energy) in zones { try zone(place, name, 2 * energy) }
    #expect(meter.joules == 410e-6)
    for (place, name, energy) in zones { try zone(place, name, 3 * energy) }
    #expect(meter.joules == 820e-6)
  }

  /// Counters begin again at their range, each at its own.
  @Test func countersBeginAgain() throws {
    try zone("intel-rapl:0", "package-0", 999_000)
    try zone("intel-rapl:1", "package-1", 65_000_000_000, range: 65_532_610_987)
    let meter = try #require(EnergyMeter(folder.path))
    try zone("intel-rapl:0", "package-0", 500)
    try zone("intel-rapl:1", "package-1", 1_000_000, range: 65_532_610_987)
    #expect(meter.joules == 0.0015 + 533.610987)
    try zone("intel-rapl:0", "package-0", 400)
    #expect(meter.joules == 0.0015 + 533.610987 + 0.9999)
  }

  /// Without counters, or where one cannot be read, nothing is told.
  @Test func nothingIsGuessed() throws {
    #expect(EnergyMeter(folder.file("nowhere")) == nil)
    #expect(EnergyMeter(folder.path) == nil)
    #expect(EnergyMeter.availability(folder.path).text.hasPrefix("no counters (RAPL)"))
    try zone("intel-rapl:0", "package-0", 100)
    #expect(
      EnergyMeter.availability(folder.path) == (true, "RAPL counts package-0, of the whole machine")
    )
    try zone("intel-rapl:1", "package-1", nil)
    #expect(EnergyMeter(folder.path) == nil)
    #expect(EnergyMeter.availability(folder.path).text.contains("intel-rapl:1/energy_uj cannot"))
    try zone("intel-rapl:1", "package-1", 5)
    let meter = try #require(EnergyMeter(folder.path))
    #expect(meter.joules == 0)
    try FileManager.default.removeItem(atPath: folder.file("intel-rapl:1/energy_uj"))
    #expect(meter.joules == nil)
  }
}
