import Foundation
import Packaging
import RunStore
import TestSupport
import Testing

/// What shells are told could come next.
@Suite struct CompletionTests {
  private static func tree() throws -> CommandTree {
    try CommandTree(
      dump: """
        {"serializationVersion": 0, "command": {"commandName": "elbow", "subcommands": [
          {"commandName": "runs", "abstract": "List runs.", "arguments": [
            {"kind": "option", "names": [{"kind": "long", "name": "db"}], "valueName": "db"},
            {"kind": "option", "names": [{"kind": "long", "name": "sort"}], "valueName": "columns"},
            {"kind": "option", "names": [{"kind": "long", "name": "where"}], "valueName": "where"},
            {"kind": "flag", "names": [{"kind": "short", "name": "q"},
              {"kind": "long", "name": "quiet"}], "abstract": "Say less."},
            {"kind": "flag", "names": [{"kind": "long", "name": "secret"}],
              "shouldDisplay": false}]},
          {"commandName": "replay", "arguments": [
            {"kind": "positional", "valueName": "run"},
            {"kind": "positional", "valueName": "other", "isRepeating": true},
            {"kind": "option", "names": [{"kind": "long", "name": "weights"}],
              "parsingStrategy": "upToNextOption", "allValues": ["edm", "elbo", "snr"]}]},
          {"commandName": "log", "defaultSubcommand": "points", "subcommands": [
            {"commandName": "points", "arguments": [{"kind": "positional", "valueName": "run"}]},
            {"commandName": "end"}]},
          {"commandName": "hidden", "shouldDisplay": false}]}}
        """)
  }

  private func words(_ typed: String...) throws -> [String] {
    let completion = Completion(try Self.tree()) { place in
      switch place.argument.valueName {
      case "run": [Candidate("@last"), Candidate("\(place.path) \(place.value(of: "--db") ?? "")")]
      case "other": [Candidate("other")]
      case "columns", "where": [Candidate("accuracy"), Candidate("attack"), Candidate("seed")]
      default: []
      }
    }
    return completion.candidates(typed).map(\.word)
  }

  @Test func commandsAndFlags() throws {
    #expect(try words("") == ["runs", "replay", "log"])
    #expect(try words("r") == ["runs", "replay"])
    #expect(try words("runs", "-") == ["--db", "--sort", "--where", "--quiet"])
    #expect(try words("runs", "--q") == ["--quiet"])
    // The names of files are the shell's.
    #expect(try words("runs", "--db", "") == [])
    #expect(try words("runs", "x") == [])
    #expect(try words("nonsense", "") == [])
  }

  @Test func values() throws {
    #expect(try words("replay", "@") == ["@last"])
    #expect(try words("replay", "x", "o") == ["other"])
    #expect(try words("replay", "x", "y", "") == ["other"])
    #expect(try words("replay", "--db=a", "") == ["@last", "[\"replay\"] a"])
    #expect(try words("replay", "x", "--weights", "edm", "e") == ["edm", "elbo"])
    #expect(try words("replay", "x", "--weights", "edm", "--w") == ["--weights"])
    #expect(try words("replay", "--weights=e") == ["--weights=edm", "--weights=elbo"])
    // The command that is meant without a name, beside those that have one.
    #expect(try words("log", "") == ["points", "end", "@last", #"["log"] "#])
    #expect(try words("log", "x", "") == [])
  }

  @Test func lastOfAList() throws {
    #expect(try words("runs", "--sort", "a") == ["accuracy", "attack"])
    #expect(try words("runs", "--sort", "-ac") == ["-accuracy"])
    #expect(try words("runs", "--sort", "seed,-at") == ["seed,-attack"])
  }

  @Test func lastNameOfACondition() throws {
    #expect(try words("runs", "--where", "at") == ["attack"])
    #expect(
      try words("runs", "--where", "seed = 3 AND (ac") == ["seed = 3 AND (accuracy"])
    #expect(try words("runs", "--where", "seed = 3") == [])
    #expect(
      Shell.bash.answer(
        ["runs", "--where", "\"seed = 3 AND ac"],
        Completion(try Self.tree()) { _ in [Candidate("accuracy")] }) == "seed = 3 AND accuracy\n")
  }

  @Test func wordsAsBashSplitsThem() {
    #expect(Shell.bash.words(["run", "--db", "=", "a"]).words == ["run", "--db=a"])
    #expect(Shell.bash.words(["run", "--db", "="]).kept == "--db=")
    #expect(
      Shell.bash.words(["--grid", "linear", ":", "0.1", ":", ""]).words.last == "linear:0.1:")
    #expect(Shell.bash.words([#"five\ timesteps"#, #""a b"#]).words == ["five timesteps", "a b"])
    #expect(Shell.zsh.words(["--db", "="]).words == ["--db", "="])
    for shell in [Shell.zsh, .fish] {
      #expect(shell.words(["show", "'a'", #""five ti"#]).words == ["show", "'a'", "five ti"])
    }
  }

  // MARK: The program's own

  private func complete(_ elbow: Program, _ typed: String...) throws -> [String] {
    let result = try elbow.run(["complete", "fish", "--"] + typed)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    return result.output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
  }

  /// A file with one run, named `five timesteps`, of the group `grid`.
  private func recorded(_ elbow: Program) throws -> String {
    let path = elbow.folder + "/runs.db"
    let store = try RunStore(path, for: .write)
    var run = header()
    (run.labels.name, run.labels.group) = ("five timesteps", "grid")
    try record(run, [prediction(0), prediction(1), prediction(2)], in: store)
    store.close()
    return path
  }

  @Test func programsTables() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try complete(elbow, "swe") == ["sweep"])
    #expect(try complete(elbow, "run", "--attack-se") == ["--attack-seed"])
    #expect(try complete(elbow, "sweep", "x.yaml", "--no-l") == ["--no-losses"])
    #expect(try complete(elbow, "run", "--weights", "edm") == ["edm", "edm-as-released"])
    #expect(try complete(elbow, "run", "--attack", "fg").contains("fgsm"))
    #expect(try complete(elbow, "run", "--model", "").contains("fashion-mnist"))
    #expect(try complete(elbow, "model", "inspect", "fashion-mnist-c").count > 1)
    #expect(try complete(elbow, "runs", "--format", "json") == ["json", "jsonl"])
    #expect(try complete(elbow, "query", "conf") == ["configurations", "confusion"])
    #expect(try complete(elbow, "query", "confusion", "") == ["run="])
    #expect(try complete(elbow, "replay", "x", "--strategy", "uni") == ["uniform:"])
    #expect(try complete(elbow, "completion", "") == ["bash", "zsh", "fish"])
  }

  @Test func recordedNames() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let path = try recorded(elbow)
    let before = try FileManager.default.contentsOfDirectory(atPath: elbow.folder)
      .filter { $0.hasPrefix("runs.db") }
    let runs = try complete(elbow, "show", "--db", path, "")
    #expect(runs.prefix(3) == ["@last", "five timesteps", "grid"])
    #expect(runs.count == 4)
    #expect(try complete(elbow, "runs", "--db", path, "--columns", "id,accuracy_").count == 2)
    #expect(try complete(elbow, "runs", "--db=\(path)", "--group-by", "strat") == ["strategy"])
    #expect(
      try complete(elbow, "tag", "a=b", "--db", path, "--where", "seed = 1 AND strat")
        == ["seed = 1 AND strategy"])
    #expect(try complete(elbow, "run", "--db", path, "--group", "") == ["grid"])
    #expect(try complete(elbow, "tag", "x", "--db", path, "--remove", "") == ["stage"])
    #expect(try complete(elbow, "restore", "--db", path, "") == [])
    let after = try FileManager.default.contentsOfDirectory(atPath: elbow.folder)
      .filter { $0.hasPrefix("runs.db") }
    #expect(before.sorted() == after.sorted(), "completion leaves nothing beside the file")
  }

  /// Nobody wants to read an error where a word was to be completed.
  @Test func silentWithoutDatabase() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    #expect(try complete(elbow, "show", "--db", "absent.db", "") == [])
    try "no database".write(toFile: elbow.folder + "/bad.db", atomically: true, encoding: .utf8)
    #expect(try complete(elbow, "show", "--db", "bad.db", "") == [])
    #expect(!FileManager.default.fileExists(atPath: elbow.folder + "/absent.db"))
  }

  // MARK: Shells

  /// What a shell prints.
  private func shell(_ name: String, _ arguments: [String], in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ProcessInfo.processInfo.environment
    let bin = (Program.path as NSString).deletingLastPathComponent
    environment["PATH"] = bin + ":" + (environment["PATH"] ?? "")
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    let output = folder + "/shell.out"
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = process.standardOutput
    try process.run()
    process.waitUntilExit()
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  @Test func bashCompletes() throws {
    let elbow = try Program()
    defer { elbow.remove() }
    _ = try recorded(elbow)
    func reply(_ words: String) throws -> [String] {
      let script = """
        source <(elbow completion bash)
        COMP_WORDS=(elbow \(words)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _elbow elbow; printf '%s\\n' "${COMPREPLY[@]}"
        """
      return try shell("bash", ["--norc", "-c", script], in: elbow.folder)
        .split(separator: "\n").map(String.init)
    }
    #expect(try reply("ru") == ["run", "runs"])
    #expect(try reply("run --weights = edm") == ["edm", "edm-as-released"])
    #expect(try reply("show --db runs.db f") == [#"five\ timesteps"#])
    #expect(try reply(#"show --db runs.db 'five\ ti'"#) == [#"five\ timesteps"#])
    #expect(try reply("query confusion run =") == [])
  }

  @Test(arguments: [Shell.zsh, .fish]) func otherShellsReadTheirScripts(_ other: Shell) throws {
    let elbow = try Program()
    defer { elbow.remove() }
    let script = elbow.folder + "/script"
    try other.script.write(toFile: script, atomically: true, encoding: .utf8)
    let found = try shell("bash", ["-c", "command -v \(other.rawValue)"], in: elbow.folder)
    guard !found.isEmpty else { return }
    #expect(try shell(other.rawValue, ["-n", script], in: elbow.folder).isEmpty)
  }
}
