import Foundation

/// HTML as far as tests read it: whether elements are closed in order, and where links lead.
struct Markup {
  /// Addresses of links and pictures, decoded.
  private(set) var links: [String] = []
  /// The first thing that is wrong; nil: nothing is.
  private(set) var problem: String?

  private static let empty: Set = ["meta", "link", "img", "input", "br", "path", "circle", "rect"]

  init(_ text: String) throws {
    var open: [String] = []
    let tag = /<(\/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z-]+(?:="[^"<]*")?)*)\s*(\/?)>/
    let known = text.matches(of: tag)
    if text.split(separator: "<").count - 1 != known.count { problem = "a stray <" }
    for match in known {
      let name = String(match.2)
      for attribute in match.3.matches(of: /(href|src)="([^"]*)"/) {
        links.append(
          String(attribute.2).replacing("&amp;", with: "&").replacing("&#39;", with: "'"))
      }
      if match.1 == "/" {
        if open.popLast() != name { problem = problem ?? "</\(name)> closes another" }
      } else if match.4.isEmpty, !Self.empty.contains(name) {
        open.append(name)
      }
      if match.3.replacing(/"[^"]*"/, with: "").contains(/\s(on[a-z]+|style)=/) {
        problem = problem ?? "a script or style in <\(name)>"
      }
    }
    if !open.isEmpty { problem = problem ?? "open: \(open)" }
  }
}
