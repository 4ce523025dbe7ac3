import Basics
import Foundation

extension WorkUpdate {
  /// As `dc  12/100 images  3.10/s  0:28 left  accuracy 88.0 %`.
  ///
  /// Where there is no room for all of it the label gives way first, down to `shortestLabel` cells;
  /// then goes what is least missed: what is done within a unit, the time of other work, remarks, the
  /// count. Rate and time left stay.
  ///
  /// - Parameters:
  ///   - seconds: since the work began here.
  ///   - width: cells that the line may take; nil: no bound.
  package func line(after seconds: Double, width: Int? = nil) -> String {
    let parts = parts(after: seconds)
    func joined(_ parts: [Part], _ label: String) -> String {
      // What stands on one line stays on it, whatever a run is called.
      ([label] + parts.map(\.text)).joined(separator: "  ").visible
    }
    let whole = joined(parts, label)
    guard let width, whole.cellWidth > width else { return whole }
    let label = label.visible
    let kept = Part.Kind.allCases.map { least in parts.filter { $0.kind >= least } }
      .first { joined($0, label.shortened(to: Self.shortestLabel)).cellWidth <= width }
    guard let kept else { return joined(parts, label).shortened(to: width) }
    let room = width - joined(kept, "").cellWidth
    return joined(kept, label.shortened(to: max(room, Self.shortestLabel), cut: .middle))
  }

  /// Cells of a label that is to be told from others.
  private static let shortestLabel = 12

  /// Something that a line says.
  private struct Part {
    /// The least missed first.
    enum Kind: Int, CaseIterable, Comparable {
      case within, later, remark, count, time
      static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
    }

    var kind: Kind
    var text: String
  }

  /// What there is to be said, in order.
  private func parts(after seconds: Double) -> [Part] {
    let count = total.map { "\(done)/\($0)" } ?? "\(done)"
    let isSingle = (total ?? done) == 1 && unit.hasSuffix("s")
    var parts = [Part(kind: .count, text: "\(count) \(isSingle ? String(unit.dropLast()) : unit)")]
    if !within.isEmpty { parts.append(Part(kind: .within, text: within)) }
    let own = Double(done - before) + part
    let rate = own / max(seconds, 1e-9)
    if total.map({ done >= $0 }) ?? false {
      parts.append(Part(kind: .time, text: "in \(Durations.clock(seconds))"))
    } else if own > 0 {
      let text = String(format: rate < 0.1 ? "%.4f/s" : "%.2f/s", rate)
      parts.append(Part(kind: .time, text: text))
      if let total {
        let left = (Double(total - done) - part) / rate
        parts.append(Part(kind: .time, text: "\(Durations.clock(left)) left"))
        if let later, later > 0 {
          parts.append(Part(kind: .later, text: "\(Durations.clock(left + later)) of all"))
        }
      }
    }
    return parts + remarks.map { Part(kind: .remark, text: $0) }
  }
}
