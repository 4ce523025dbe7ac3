import Basics
import Records
import Reporting

extension Page {
  /// The sections, as the head of every page lists them.
  private static let sections: [(path: String, name: String)] = [
    ("/", "Runs"), ("/front", "Front"), ("/compare", "Compare"), ("/robustness", "Robustness"),
    ("/replay", "Replay"), ("/sweeps", "Sweeps"), ("/trainings", "Trainings"), ("/api", "API"),
  ]

  /// The page that says what went wrong.
  init(_ error: ElbowError) {
    let title = error.status == 404 ? "Not found" : error.status < 500 ? "Not so" : "Trouble"
    self.init(
      title: title, body: "<h1>\(title)</h1>\n\(HTML.problem(error))", section: "",
      status: error.status)
  }

  /// The whole document.
  ///
  /// - Parameters:
  ///   - database: name of the file.
  ///   - path: where it lies.
  func document(database: String, path: String) -> HTML {
    let links = Self.sections.map { section -> HTML in
      let current: HTML = section.path == self.section ? " aria-current=\"page\"" : ""
      return "<li><a href=\"\(section.path)\"\(current)>\(section.name)</a></li>"
    }
    let refresh: HTML =
      isUnderway
      ? " data-refresh=\"0\" data-live"
      : isLive ? " data-refresh=\"2000\" data-live" : isWatched ? " data-refresh=\"2000\"" : ""
    let again: HTML =
      isUnderway || isLive
      ? "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n" : ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title) · \(database) · Elbow</title>
      <link rel="icon" href="/icon.svg" type="image/svg+xml">
      <link rel="stylesheet" href="/page.css">
      <script src="/page.js" defer></script>
      \(again)</head>
      <body>
      <a class="skip" href="#main">Skip to the content</a>
      <header>
      <a class="mark" href="/"><img src="/icon.svg" alt="" width="22" height="22">Elbow</a>
      <nav aria-label="Sections"><ul>\(links)</ul></nav>
      <span class="file" title="\(path)">\(database)</span>
      </header>
      <main id="main" tabindex="-1"\(refresh)>
      \(body)
      \(foot)
      </main>
      </body>
      </html>

      """
  }

  /// What gives the same elsewhere.
  private var foot: HTML {
    let terminal: HTML? = command.map {
      "<p><span>The same in a terminal</span> <code class=\"command\">\($0)</code></p>"
    }
    let documents: HTML? = data.map { address in
      let parts = address.split(separator: "?", maxSplits: 1)
      let csv = parts[0] + ".csv" + (parts.count == 2 ? "?" + parts[1] : "")
      return
        "<p><span>As data</span> <a href=\"\(address)\">JSON</a> <a href=\"\(csv)\">CSV</a></p>"
    }
    guard terminal != nil || documents != nil else { return "" }
    return "<footer>\(terminal)\(documents)</footer>"
  }
}
