import Reporting
import Testing

@Suite struct CodeChangesTests {
  private static let diff = """
    diff --git a/one b/one
    index 1111111..2222222 100644
    --- a/one
    +++ b/one
    @@ -1,4 +1,4 @@ func one() {
     kept
    --- a line that begins with two dashes
    +++ one with two plusses
    \\ No newline at end of file
    diff --git a/two.bin b/two.bin
    GIT binary patch
    literal 3
    -cmZ
    """

  /// What looks like a file's head within a hunk is a line, and bytes are none.
  @Test func linesAreWhatTheyAre() {
    let changes = CodeChanges(diff: Self.diff)
    #expect(changes.files == 2 && changes.added == 1 && changes.removed == 1)
    #expect(
      changes.lines.map(\.kind) == [
        .head, .head, .head, .head, .place, .kept, .removed, .added, .kept, .head, .head, .head,
        .head,
      ])
    #expect(changes.lines.map(\.text).joined(separator: "\n") == Self.diff)
    #expect(changes.summary == "2 files, 1 line added, 1 removed")
    #expect(CodeChanges(diff: "").files == 0)
  }

  @Test func longOnesAreCut() {
    let line = "+" + String(repeating: "é", count: 5000)
    let many = [String](repeating: line, count: 3000).joined(separator: "\n")
    let changes = CodeChanges(diff: "diff --git a/a b/a\n@@ -1 +1 @@\n" + many)
    #expect(changes.count == 3002 && changes.added == 3000)
    #expect(changes.lines.count == CodeChanges.mostLines)
    #expect(changes.lines.allSatisfy { $0.text.utf8.count < CodeChanges.longestLine + 10 })
    #expect(changes.lines.last?.text.hasSuffix(" …") == true)
  }
}
