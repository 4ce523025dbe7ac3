/// What could stand last on a command line.
///
/// No candidates means that the shell's own, the names of files, are right.
package struct Completion {
  /// Where a value is asked for.
  package struct Place: Sendable {
    /// Names of the commands that lead there, without the program's.
    package let path: [String]
    /// What is asked for.
    package let argument: CommandArgument
    /// The words before it.
    package let words: [String]

    /// The value that an option before it has; the last one counts.
    package func value(of flag: String) -> String? {
      words.indices.reversed().lazy.compactMap { index -> String? in
        if words[index].hasPrefix(flag + "=") {
          return String(words[index].dropFirst(flag.count + 1))
        }
        return words[index] == flag && index + 1 < words.count ? words[index + 1] : nil
      }.first
    }
  }

  /// The commands.
  package let tree: CommandTree
  /// The values that may stand at a place; none where they are not known.
  package let values: (Place) -> [Candidate]

  /// Completion of the commands of a tree.
  package init(_ tree: CommandTree, values: @escaping (Place) -> [Candidate]) {
    (self.tree, self.values) = (tree, values)
  }

  /// Candidates for the last word.
  ///
  /// - Parameter words: those after the program's name; the last one is as far as it is typed.
  package func candidates(_ words: [String]) -> [Candidate] {
    guard let typed = words.last else { return [] }
    let before = Array(words.dropLast())
    var state = State(tree)
    for word in before { state.take(word) }
    if let option = state.pending, !(option.takesSeveral && typed.hasPrefix("-")) {
      return matching(typed, option, state, before)
    }
    if !state.takesWordsOnly, typed.hasPrefix("-") {
      if let sign = typed.firstIndex(of: "="),
        let option = state.command.argument(String(typed[..<sign])), option.kind == .option
      {
        let head = String(typed[...sign])
        return matching(String(typed[typed.index(after: sign)...]), option, state, before)
          .map { Candidate(head + $0.word, $0.meaning) }
      }
      return Self.flags(of: state.command).filter { $0.word.hasPrefix(typed) }
    }
    var found: [Candidate] = []
    if state.positionals == 0, !state.takesWordsOnly {
      found += state.command.commands.filter { $0.isShown && $0.name.hasPrefix(typed) }
        .map { Candidate($0.name, $0.abstract) }
    }
    let places = state.withStandard.positionals
    if let argument = state.positionals < places.count
      ? places[state.positionals] : places.last(where: \.isRepeating)
    {
      found += matching(typed, argument, state, before)
    } else if found.isEmpty, typed.isEmpty {
      found = Self.flags(of: state.withStandard)
    }
    return found
  }

  /// The values of `argument` that begin with what is typed, of a list or a condition its last one.
  private func matching(
    _ typed: String, _ argument: CommandArgument, _ state: State, _ before: [String]
  ) -> [Candidate] {
    let known =
      argument.choices.isEmpty
      ? values(Place(path: state.path, argument: argument, words: before))
      : argument.choices.map { Candidate($0) }
    let whole = known.filter { $0.word.hasPrefix(typed) }
    guard whole.isEmpty, let marks = Self.marks[argument.valueName] else { return whole }
    let last = typed.lastIndex(where: marks.contains).map { typed.index(after: $0) }
    var start = last ?? typed.startIndex
    // A minus before a column means falling order.
    if marks == [","], typed[start...].hasPrefix("-") { start = typed.index(after: start) }
    return known.filter { $0.word.hasPrefix(typed[start...]) }
      .map { Candidate(typed[..<start] + $0.word, $0.meaning) }
  }

  /// What stands between names, by the name of an argument's value.
  private static let marks: [String: Set<Character>] = [
    "columns": [","], "names": [","], "where": [" ", "(", ","],
  ]

  private static func flags(of command: CommandTree) -> [Candidate] {
    command.arguments.filter(\.isShown).flatMap { argument in
      argument.flags.filter { $0.hasPrefix("--") }.map { Candidate($0, argument.help) }
    }
  }

  /// How far a command line has been read.
  private struct State {
    var command: CommandTree
    var path: [String] = []
    /// Words without dashes that the command has.
    var positionals = 0
    /// The option whose value comes next.
    var pending: CommandArgument?
    /// Whether `--` came.
    var takesWordsOnly = false

    init(_ tree: CommandTree) { command = tree }

    /// The command that is meant where no other is named.
    var withStandard: CommandTree { command.standard.flatMap(command.command) ?? command }

    mutating func take(_ word: String) {
      if let option = pending, !(option.takesSeveral && word.hasPrefix("-")) {
        if !option.takesSeveral { pending = nil }
        return
      }
      pending = nil
      if takesWordsOnly {
        positionals += 1
      } else if word == "--" {
        takesWordsOnly = true
      } else if word.hasPrefix("-"), word.count > 1 {
        if !word.contains("="), let option = withStandard.argument(word) ?? command.argument(word),
          option.kind == .option
        {
          pending = option
        }
      } else if positionals == 0, let below = command.command(word) {
        command = below
        path.append(word)
      } else {
        if let standard = command.standard.flatMap(command.command) {
          command = standard
          path.append(standard.name)
        }
        positionals += 1
      }
    }
  }
}
