import Basics
import Foundation
import Records
import Reporting

extension HTML {
  /// A number with so many digits behind the point, or `–`.
  static func number(_ value: Double?, _ digits: Int) -> HTML {
    value.map { "\(String(format: "%.\(digits)f", $0))" } ?? "–"
  }

  /// What went wrong, fields of the address set off.
  static func problem(_ error: ElbowError, id: String = "problem") -> HTML {
    "<p class=\"problem\" role=\"alert\" id=\"\(id)\">\(spelled(error.message))</p>"
  }

  /// A message with what stands in backticks set off.
  static func spelled(_ message: String) -> HTML {
    HTML(
      message.split(separator: "`", omittingEmptySubsequences: false).enumerated().map {
        $0.isMultiple(of: 2) ? "\($1)" : "<code>\($1)</code>"
      })
  }

  /// Labels with their values.
  static func facts(_ facts: [(label: String, value: HTML)]) -> HTML {
    let rows = facts.map { label, value -> HTML in
      "<div><dt>\(label)</dt><dd>\(value)</dd></div>\n"
    }
    return "<dl class=\"facts\">\n\(rows)</dl>\n"
  }

  /// Numbers that a page is about.
  static func tiles(_ tiles: [(label: String, value: HTML, note: HTML)]) -> HTML {
    let rows = tiles.map { label, value, note -> HTML in
      "<div><dt>\(label)</dt><dd><b>\(value)</b> <small>\(note)</small></dd></div>\n"
    }
    return "<dl class=\"tiles\">\n\(rows)</dl>\n"
  }

  /// A state of a run or training.
  static func status(_ status: String) -> HTML {
    let known = ["running", "finished", "failed", "interrupted", "crashed", "replayed"]
    let kind = known.contains(status) ? status : "finished"
    return "<span class=\"status \(kind)\">\(status)</span>"
  }

  /// A place in the address bar.
  static func link(_ address: String, _ content: HTML) -> HTML {
    "<a href=\"\(address)\">\(content)</a>"
  }

  /// The beginning of a run's id, which leads to it.
  static func run(_ id: String) -> HTML {
    "<a href=\"\(Address.run(id))\" title=\"\(id)\"><code>\(id.prefix(RunSummary.shortID))</code></a>"
  }

  /// An accuracy with its interval on a scale from 0 to 100 %.
  static func bar(_ value: Double, low: Double, high: Double) -> HTML {
    func x(_ share: Double) -> String { String(format: "%.1f", 100 * share) }
    let text = "\(RunSummary.percent(low)) to \(RunSummary.percent(high)) %"
    return """
      <svg class="bar" width="102" height="12" viewBox="-1 0 102 12" role="img" \
      aria-label="95 % interval \(text)"><path class="rule" d="M0 6H100"/>\
      <path d="M\(x(low)) 6H\(x(high))"/><circle cx="\(x(value))" cy="6" r="3.2"/></svg>
      """
  }

  /// The way to the parts of a long list before and after one; nothing where there is but one.
  ///
  /// - Parameters:
  ///   - place: the part shown, from 1.
  ///   - last: number of parts.
  ///   - before: what the part before is called.
  ///   - after: the same of the one after.
  ///   - address: of a part; nil stands for the first.
  static func pages(
    _ place: Int, of last: Int, _ before: String, _ after: String,
    address: (String?) -> String
  ) -> HTML {
    guard last > 1 else { return "" }
    func link(_ page: Int, _ name: HTML) -> HTML {
      .link(address(page == 1 ? nil : "\(page)"), name)
    }
    return """
      <nav class="pages" aria-label="Parts of the list">\(place > 1 ? link(place - 1, "← \(before)") : nil)\
      <span>\(place) of \(last)</span>\(place < last ? link(place + 1, "\(after) →") : nil)</nav>
      """
  }

  /// Names that may be chosen among.
  static func options(_ names: [String], chosen: String?) -> HTML {
    HTML(
      names.map { name in
        let isChosen: HTML = name == chosen ? " selected" : ""
        return "<option\(isChosen)>\(name)</option>"
      })
  }

  /// Values that a form sends along unseen.
  static func hidden(_ items: [Query.Item]) -> HTML {
    HTML(
      items.map { "<input type=\"hidden\" name=\"\($0.name)\" value=\"\($0.value)\">" })
  }
}

/// Addresses of pages.
enum Address {
  /// A path of segments, and what stands behind the question mark.
  static func of(_ segments: [String], _ query: Query = Query()) -> String {
    "/" + segments.map(Query.encoded).joined(separator: "/") + query.encoded
  }

  /// A run's page.
  static func run(_ id: String) -> String { of(["runs", id]) }

  /// An image's page.
  static func image(_ run: String, _ index: Int) -> String {
    of(["runs", run, "images", "\(index)"])
  }

  /// A picture of an image.
  static func picture(_ run: String, _ index: Int, _ name: String) -> String {
    of(["runs", run, "images", "\(index)", name])
  }

  /// Runs beside one another.
  static func comparison(_ runs: [String]) -> String {
    of(["compare"], Query(runs.map { .init("run", $0) }))
  }
}
