/// What a text is set off for.
///
/// Colour repeats what signs and words say: nothing is told by it alone.
public enum Emphasis: Hashable, Sendable {
  /// Not set off.
  case none
  /// Bold: heads.
  case strong
  /// Faint: rules, ids, what is of less concern.
  case dim
  /// Green and red: better or worse than what it is held against.
  case better, worse
  /// Yellow: to be noticed.
  case warning

  /// Better or worse where an interval of a difference holds no 0.
  public init(difference: ClosedRange<Double>) {
    self = difference.lowerBound > 0 ? .better : difference.upperBound < 0 ? .worse : .none
  }
}

/// Whether emphasis is shown.
public enum TextStyle: Hashable, Sendable {
  /// Not at all: pipes, files, terminals that cannot.
  case plain
  /// By the control sequences of ECMA-48 (SGR), which take no cells.
  case ansi

  /// The text, set off.
  public func apply(_ emphasis: Emphasis, to text: String) -> String {
    guard self == .ansi, !text.isEmpty else { return text }
    let code =
      switch emphasis {
      case .none: ""
      case .strong: "1"
      case .dim: "2"
      case .better: "32"
      case .worse: "31"
      case .warning: "33"
      }
    return code.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
