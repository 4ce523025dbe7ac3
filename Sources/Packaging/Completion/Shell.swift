/// A shell that can complete the program's command lines.
package enum Shell: String, CaseIterable, Sendable {
  /// GNU bash.
  case bash
  /// The Z shell.
  case zsh
  /// The friendly interactive shell.
  case fish

  /// What makes it ask the program.
  package var script: String {
    switch self {
    case .bash:
      #"""
      # Completion of elbow for bash; elbow itself knows what could come next.
      _elbow() {
        local IFS=$'\n'
        COMPREPLY=($("$1" complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
      }
      complete -o default -F _elbow elbow
      """# + "\n"
    case .zsh:
      #"""
      #compdef elbow
      # Completion of elbow for zsh; elbow itself knows what could come next.
      _elbow() {
        local -a lines
        lines=("${(@f)$("${words[1]}" complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
        if [[ -n "${lines[1]}" ]]; then
          _describe -V elbow lines
        else
          _files
        fi
      }
      if [[ "${funcstack[1]}" = _elbow ]]; then
        _elbow "$@"
      else
        compdef _elbow elbow
      fi
      """# + "\n"
    case .fish:
      #"""
      # Completion of elbow for fish; elbow itself knows what could come next.
      function __elbow_complete
        set -l words (commandline -opc)
        set -l found ($words[1] complete fish -- $words[2..-1] (commandline -ct) 2>/dev/null)
        if test (count $found) -gt 0
          printf '%s\n' $found
        else
          __fish_complete_path (commandline -ct)
        end
      end
      complete -c elbow -f -a '(__elbow_complete)'
      """# + "\n"
    }
  }

  /// Where scripts of the user lie in a prefix.
  package var place: String {
    switch self {
    case .bash: "share/bash-completion/completions/elbow"
    case .zsh: "share/zsh/site-functions/_elbow"
    case .fish: "share/fish/vendor_completions.d/elbow.fish"
    }
  }

  /// What `completion` finds for a command line, as the shell's script reads it: one a line.
  package func answer(_ typed: [String], _ completion: Completion) -> String {
    let (words, kept) = words(typed)
    // Between quotes nothing is escaped, and bash leaves the quote where it is.
    let isQuoted = typed.last.map { $0.hasPrefix("\"") || $0.hasPrefix("'") } ?? false
    return lines(
      completion.candidates(words).map { candidate in
        candidate.word.hasPrefix(kept)
          ? Candidate(String(candidate.word.dropFirst(kept.count)), candidate.meaning) : candidate
      }, isQuoted: isQuoted)
  }

  private func lines(_ candidates: [Candidate], isQuoted: Bool) -> String {
    candidates.map { candidate in
      switch self {
      case .bash:
        isQuoted ? candidate.word : Self.escaped(candidate.word, " \t\"'\\$`&|;<>()*?[]{}!#")
      case .zsh:
        Self.escaped(candidate.word, ":\\")
          + (candidate.meaning.isEmpty ? "" : ":\(candidate.meaning)")
      case .fish:
        candidate.meaning.isEmpty ? candidate.word : "\(candidate.word)\t\(candidate.meaning)"
      }
    }.map { $0 + "\n" }.joined()
  }

  /// The words of a command line as the program would get them.
  ///
  /// Bash hands them on as they are typed, quotes and all, and takes `=` and `:` for words of their
  /// own; what it then completes is only what comes after. The others leave the last one as it is typed
  /// where its quote is open.
  ///
  /// - Returns: the words, and what the shell keeps of the last one.
  package func words(_ typed: [String]) -> (words: [String], kept: String) {
    guard self == .bash else { return (typed.dropLast() + typed.suffix(1).map(Self.unquoted), "") }
    var words: [String] = []
    var kept = ""
    var isOpen = false
    for word in typed {
      let breaks = !word.isEmpty && word.allSatisfy { "=:".contains($0) }
      let isJoined = !words.isEmpty && (breaks || isOpen)
      let head = isJoined ? words.removeLast() : ""
      kept = breaks ? head + word : head
      words.append(head + Self.unquoted(word))
      isOpen = breaks
    }
    return (words, kept)
  }

  /// A word without the quotes and backslashes of a shell.
  private static func unquoted(_ word: String) -> String {
    var result = ""
    var quote: Character?
    var rest = word[...]
    while let next = rest.popFirst() {
      if next == "\\", quote != "'", let literal = rest.popFirst() {
        result.append(literal)
      } else if next == quote {
        quote = nil
      } else if quote == nil, next == "'" || next == "\"" {
        quote = next
      } else {
        result.append(next)
      }
    }
    return result
  }

  private static func escaped(_ word: String, _ special: String) -> String {
    word.reduce(into: "") { result, next in
      if special.contains(next) { result.append("\\") }
      result.append(next)
    }
  }
}
