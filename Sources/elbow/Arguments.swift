import Basics
import Evaluation
import Experiments

/// The command line before it is parsed: what `RequestKeys` knows becomes `--set KEY=VALUE`, and a
/// file given with `-c` stands for its lines, so that flags after it override it; `--quiet` is taken
/// out, wherever it stands.
enum Arguments {
  /// Flags of `run` and `sweep` that are of the request, as they are parsed.
  ///
  /// - Throws: `ElbowError` for a file that cannot be read, or a flag without its value.
  static func expand(_ arguments: [String]) throws -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    let arguments =
      withNumbers(arguments[..<end].filter { $0 != "--quiet" && $0 != "-q" }) + arguments[end...]
    guard let command = arguments.first, command == "run" || command == "sweep" else {
      return arguments
    }
    // A run that goes on is asked nothing, but where its images and its engine are.
    let isResumed = arguments.contains { $0 == "--resume" || $0.hasPrefix("--resume=") }
    if isResumed, let flag = changingRuns(arguments) {
      throw ElbowError(
        .malformed,
        "`resume` goes on as the run was begun, so \(flag) cannot be given; `db`, `data`, "
          + "`threads`, `batch`, `budget`, `engine` and `format` can")
    }
    var fromFiles: [String] = []
    var result: [String] = []
    var rest = arguments.dropFirst()
    while let argument = rest.popFirst() {
      if argument == "--" {
        result += [argument] + rest
        break
      }
      if isResumed, !["--data", "--engine"].contains(String(argument.prefix { $0 != "=" })) {
        result.append(argument)
      } else if command == "run", let file = try file(argument, &rest) {
        fromFiles += try flags(of: file)
      } else {
        result.append(try set(argument, &rest, of: command) ?? argument)
      }
    }
    return [command] + fromFiles + result
  }

  /// With a negative number joined to the flag before it: it begins as flags do, would be taken for
  /// one, and the flag be said to lack its value.
  private static func withNumbers(_ words: [String]) -> [String] {
    words.reduce(into: []) { result, word in
      // Without patterns, whose compilation every command would wait for.
      if let flag = result.last, flag.hasPrefix("--"), flag.utf8.count > 2,
        flag.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x2D }), word.hasPrefix("-"),
        let digit = word.utf8.dropFirst().drop(while: { $0 == 0x2E }).first,
        (0x30...0x39).contains(digit), !word.hasPrefix("-..")
      {
        result[result.count - 1] = "\(flag)=\(word)"
      } else {
        result.append(word)
      }
    }
  }

  /// The file that `-c` names; nil where the argument is another.
  private static func file(_ argument: String, _ rest: inout ArraySlice<String>) throws -> String? {
    if argument.hasPrefix("--config=") { return String(argument.dropFirst("--config=".count)) }
    guard argument == "-c" || argument == "--config" else { return nil }
    guard let file = rest.popFirst() else {
      throw ElbowError(.malformed, "\(argument) needs a file")
    }
    return file
  }

  private static func flags(of file: String) throws -> [String] {
    try RequestFile(file).values.map { key, value in
      RequestKeys.named(key) == nil ? "--\(key)=\(value)" : "--set=\(key)=\(value)"
    }
  }

  /// A flag of the request, or of a sweep's file, as `--set`; nil where the argument is another.
  private static func set(
    _ argument: String, _ rest: inout ArraySlice<String>, of command: String
  ) throws -> String? {
    guard argument.hasPrefix("--") else { return nil }
    let parts = argument.dropFirst(2)
      .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let name = parts[0]
    let toggled = name.hasPrefix("no-") ? String(name.dropFirst(3)) : name
    if parts.count == 1, case .toggle? = RequestKeys.named(toggled)?.form {
      return "--set=\(toggled)=\(toggled == name)"
    }
    let isOfFile =
      command == "sweep" && RequestFile.settings.contains(name)
      && !SweepFile.ownFlags.contains(name)
    guard RequestKeys.named(name) != nil || isOfFile else { return nil }
    guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
      throw ElbowError(.malformed, "`\(name)` needs a value")
    }
    return "--set=\(name)=\(value)"
  }

  /// The first flag among them that says what a run computes or is called.
  private static func changingRuns(_ arguments: [String]) -> String? {
    let kept = ["db", "data", "threads", "batch", "budget", "engine"]
    let names = RequestFile.keys.filter { !kept.contains($0) } + ["config"]
    let flags = Set(names.flatMap { ["--\($0)", "--no-\($0)"] } + ["-c"])
    return arguments.lazy.map { String($0.prefix { $0 != "=" }) }.first(where: flags.contains)
  }
}
