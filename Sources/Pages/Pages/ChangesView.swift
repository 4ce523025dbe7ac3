import Basics
import Queries
import Reporting
import RunStore

/// What was changed in a run's code since its commit, as `elbow show --diff` prints it.
enum ChangesView {
  /// The section of a run's page; nil where the code is that of a commit.
  ///
  /// - Throws: `ElbowError`.
  static func section(_ id: String, _ call: Call) throws -> HTML? {
    let changes = try call.store.query(.codeChanges(of: id))
    guard !changes.rows.isEmpty else { return nil }
    let parts = changes.rows.indices.map { row -> HTML in
      let diff = CodeChanges(diff: changes[row, "diff"].text(null: ""))
      let process: HTML? =
        changes.rows.count > 1
        ? "Process \((changes[row, "number"].number.map { Int(nearest: $0) } ?? 0) + 1): " : nil
      let commit = changes[row, "git_commit"].text(null: "no commit").prefix(12)
      return """
        <details><summary>\(process)\(diff.summary) since <code>\(commit)</code></summary>
        <pre class="wide diff" tabindex="0">\(diff.lines.map(line))</pre>
        \(rest(diff, id, call))</details>

        """
    }
    return "<section><h2>Changes of the code</h2>\n\(parts)</section>\n"
  }

  private static func line(_ line: CodeChanges.Line) -> HTML {
    // A tab would be shown as a sign, as all that a reader does not see.
    let text = line.text.replacing("\t", with: "    ")
    switch line.kind {
    case .head: return "<b>\(text)</b>\n"
    case .place: return "<i>\(text)</i>\n"
    case .added: return "<ins>\(text)</ins>\n"
    case .removed: return "<del>\(text)</del>\n"
    case .kept: return "\(text)\n"
    }
  }

  private static func rest(_ diff: CodeChanges, _ id: String, _ call: Call) -> HTML? {
    guard diff.count > diff.lines.count else { return nil }
    return """
      <p class="note">The first \(diff.lines.count) of \(diff.count) lines. \
      <code>\(call.command(["show", id, "--diff"]))</code> prints all.</p>
      """
  }
}
