import Foundation
import Packaging
import TestSupport
import Testing

/// What the program says of itself.
@Suite struct HelpTests {
  private static func tree() throws -> CommandTree {
    let elbow = try Program()
    defer { elbow.remove() }
    return try CommandTree(dump: elbow.run("--experimental-dump-help").output)
  }

  /// Command lines of a command's help.
  private static func examples(_ command: CommandTree) -> [String] {
    let parts = command.discussion.split(separator: "\n\n")
    return parts.first { $0.hasPrefix("EXAMPLE:\n") }?.split(separator: "\n").dropFirst()
      .map { String($0.drop { $0 == " " }) } ?? []
  }

  @Test func everyCommandHasAnExample() throws {
    for (names, command) in try Self.tree().paths where command.name != "help" {
      let examples = Self.examples(command)
      #expect(!examples.isEmpty, "\(names.joined(separator: " ")) has no example")
      // One that is wrapped could not be copied.
      #expect(examples.allSatisfy { $0.contains("elbow ") && $0.count < 78 }, "\(examples)")
    }
  }

  /// Examples name commands and flags that there are.
  @Test func examplesAreRight() throws {
    let tree = try Self.tree()
    let elbow = try Program()
    defer { elbow.remove() }
    let request = Set(
      try elbow.run("complete", "fish", "--", "run", "--").output
        .split(separator: "\n").map { String($0.prefix { $0 != "\t" }) })
    for example in tree.paths.flatMap({ Self.examples($0.command) })
    where example.hasPrefix("elbow ") {
      var command = tree
      for word in example.replacing(/"[^"]*"/, with: "text").split(separator: " ").dropFirst() {
        if let below = command.command(String(word)) {
          command = below
        } else if word.hasPrefix("-"), Int(word) == nil {
          let isKnown =
            (command.argument(String(word))
              ?? command.standard
              .flatMap(command.command)?.argument(String(word))) != nil
            || ["run", "sweep"].contains(command.name) && request.contains(String(word))
            || word == "--" || word.hasPrefix("-accuracy")
          #expect(isKnown, "\(word) in '\(example)'")
        }
      }
      #expect(command != tree, "no command in '\(example)'")
    }
  }

  /// A command that is used wrongly shows its own usage, whether that is found while parsing or later.
  @Test(arguments: [
    (["tag", "X", "x"], "tag"), (["group"], "group"), (["log", "X", "--step", "3"], "log points"),
    (["note", "X", "--replace"], "note"), (["replay", "X"], "replay"),
    (["train", "diffusion"], "train diffusion"), (["strategy", "learn"], "strategy learn"),
    (["tag", "X", "--nonsense"], "tag"),
  ])
  func usageIsOfTheCommand(_ arguments: [String], _ command: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(arguments)
    #expect(result.status == 2)
    #expect(result.errors.contains("\nUsage: elbow \(command.split(separator: " ")[0]) "))
    #expect(result.errors.contains("See 'elbow \(command) --help'"), "\(result.errors)")
  }

  /// In a terminal of 80 columns no line breaks by itself.
  @Test func helpFits() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    for (names, _) in try Self.tree().paths {
      let help = try elbow.run(names.dropFirst() + ["--help"]).output
      let wide = help.split(separator: "\n").filter { $0.count > 80 }
      #expect(wide.isEmpty, "\(names.joined(separator: " ")): \(wide)")
      guard names.last == "run" else { continue }
      // What 'Arguments' rewrites is no flag to ArgumentParser, and stands in the text as told there.
      #expect(
        help.contains(
          """

            --model <name|file>     Shipped model or safetensors file.
            --engine <command>      Command of a process that computes in the place of
          """), "\(help)")
    }
  }

  /// What is mistyped is answered with what there is.
  @Test(arguments: [
    ("run --classifer dc", "Unknown option '--classifer'. Did you mean '--classifier'?"),
    ("run --modle x", "Did you mean '--model'?"), ("sweep x.yaml --no-lsses", "'--no-losses'?"),
    ("run --strategy unifrom:5", "did you mean 'uniform'?"),
    ("runs --limt 3", "Unknown option '--limt'. Did you mean '--limit'?"),
    ("run --zzzzzz 1", "Unknown option '--zzzzzz'\n"),
    ("rnus", "Unexpected argument 'rnus'. Did you mean 'runs'?"),
    ("plot acuracy", "Did you mean 'accuracy'?"), ("train difusion", "Did you mean 'diffusion'?"),
    ("shwo @last --db x.db", "Unexpected argument 'shwo'. Did you mean 'show'?"),
    ("plot acuracy a b", "Did you mean 'accuracy'?\nUsage: elbow plot"),
    ("nosuch", "Unexpected argument 'nosuch'\n"), ("help shwo", "Did you mean 'show'?"),
    ("help nosuch", "Unexpected argument 'nosuch'\n"), ("help runs nosuch", "'nosuch'"),
    ("runs --limit -1", "--limit must not be negative, got -1"),
    ("pareto --within -.5", "--within must not be negative, got -0.5"),
    ("run --attack apgd-margin+nosuch --epsilon 8/255", "no attack 'nosuch'; there are"),
  ])
  func suggests(_ line: String, _ message: String) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(line.split(separator: " ").map(String.init))
    #expect(result.status == 2)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test(arguments: [["help"], ["help", "plot", "accuracy"], ["plot", "--help"]])
  func helpIsShown(words: [String]) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let result = try elbow.run(words)
    #expect(result.status == 0 && result.output.hasPrefix("OVERVIEW: "), "\(result.errors)")
  }

  /// What the demo tells to try finds its runs; with --quiet it tells nothing but results.
  @Test func demoHints() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let told = try elbow.run("demo", "--images", "2")
    #expect(told.status == 0 && told.output.contains("Try next:"), "\(told.errors)")
    let hint = try #require(told.output.firstMatch(of: /runs --where "(.+)"/))
    #expect(hint.1.hasPrefix("images >= 2 AND"))
    #expect(try elbow.run("runs", "--where", String(hint.1), "--format", "json").objects.count > 1)
    let quiet = try elbow.run("demo", "-q", "--images", "1")
    #expect(quiet.status == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
    #expect(quiet.output.contains("DC, halving") && !quiet.output.contains("Try next"))
  }

  // MARK: Manual pages

  @Test func manualPages() throws {
    var tree = try CommandTree(
      dump: #"""
        {"command": {"commandName": "elbow", "abstract": "Runs.", "subcommands": [
          {"commandName": "log", "abstract": "Log -- it.", "discussion":
          "One\nparagraph.\n\n.dot \\back\n\nFLAGS:\n  --x  x\n\nEXAMPLE:\n  elbow log @last a=1",
          "arguments": [{"kind": "positional", "valueName": "run", "abstract": "A run."},
            {"kind": "option", "names": [{"kind": "short", "name": "s"},
              {"kind": "long", "name": "step"}], "valueName": "n", "abstract": "'Step'."}]},
          {"commandName": "secret", "shouldDisplay": false}]}}
        """#)
    tree.commands[0].usage = ["elbow log <run>"]
    let pages = ManualPage.pages(of: tree, version: "1.2", date: "2026-05-31")
    #expect(pages.map(\.name) == ["elbow.1", "elbow-log.1"])
    #expect(
      pages[1].text == #"""
        .TH ELBOW-LOG 1 "2026-05-31" "Elbow 1.2" "Elbow"
        .SH NAME
        elbow\-log \- Log \-\- it.
        .SH SYNOPSIS
        .nf
        elbow log <run>
        .fi
        .SH DESCRIPTION
        One paragraph.
        .PP
        \&.dot \eback
        .SH ARGUMENTS
        .TP
        \fIrun\fR
        A run.
        .SH OPTIONS
        .TP
        \fB\-s\fR, \fB\-\-step\fR \fIn\fR
        \&'Step'.
        .SH EXAMPLES
        .nf
        elbow log @last a=1
        .fi
        .SH SEE ALSO
        .BR elbow (1)

        """#)
  }
}
