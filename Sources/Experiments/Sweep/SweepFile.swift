import Basics
import Classifiers
import Evaluation
import Foundation
import Records
import RunStore
import Yams

/// A YAML file of runs: flags of `run`, each with one value or with several, of which every
/// combination is a run, a *cell*.
package struct SweepFile {
  /// A flag with the values that it takes in turn; none, as null says, where it is left out.
  package struct Axis {
    package var flag: String
    package var values: [String]
  }

  /// Flags of every cell.
  private var axes: [Axis] = []
  /// Flags that belong together, as an attack with its budget; in a cell stands one of the cases, in
  /// place of flags of its own among `axes`.
  private var cases: [[Axis]] = []
  private var exclusions: [SweepExclusion] = []
  /// Flags that all cells share: of the process, and descriptions.
  package private(set) var settings: [String: String] = [:]
  /// Flags that have one value in every cell that has them, but for the cases' own.
  package var constants: Set<String> { Set(axes.filter { $0.values.count == 1 }.map(\.flag)) }
  /// Tags of all cells, as `KEY=VALUE`.
  package private(set) var tags: [String] = []

  /// Flags that have one value in a sweep.
  package static let single = ["db", "threads", "batch", "budget", "group", "name", "note"]
  /// Flags of `run` that `sweep` has itself.
  package static let ownFlags = ["db", "threads", "batch", "budget", "group", "shard"]
  /// Most cells.
  private static let limit = 10_000

  /// Reads a file.
  ///
  /// - Parameter overrides: `FLAG=VALUE`, each in place of what the file says of the flag.
  /// - Throws: `ElbowError` for a file that cannot be read, and for what is out of form.
  package init(_ path: String, overrides: [String]) throws {
    let mapping = try RequestFile.mapping(path, "a sweep is a YAML file of")
    do {
      for (key, value) in mapping {
        switch key.string {
        case "cases": cases = try Self.cases(value)
        case "exclude": exclusions = try Self.exclusions(value)
        case let flag: try take(flag ?? "?", value)
        }
      }
    } catch let error as ElbowError {
      throw error.prefixed(path)
    }
    for text in overrides { try override(text) }
  }

  private mutating func take(_ flag: String, _ value: Node) throws {
    if flag == "tag" {
      tags = try Self.texts(value, flag)
    } else if Self.single.contains(flag) {
      guard let scalar = value.scalar else {
        throw ElbowError(.malformed, "'\(flag)' has one value for the whole sweep")
      }
      settings[flag] = scalar.string
    } else {
      axes.append(try Self.axis(flag, value))
    }
  }

  private mutating func override(_ text: String) throws {
    let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard pair.count == 2 else {
      throw ElbowError(.malformed, "`set` needs FLAG=VALUE, as seed=0...4, got '\(text)'")
    }
    let (flag, value) = (String(pair[0]), String(pair[1]))
    axes.removeAll { $0.flag == flag }
    cases = cases.map { $0.filter { $0.flag != flag } }
    if flag == "tag" { return tags.append(value) }
    try take(flag, Node(value))
  }

  /// Keys that only a sweep has.
  static let lists = ["cases", "exclude"]

  // MARK: Parts of the file

  private static func axis(_ flag: String, _ value: Node) throws -> Axis {
    guard let key = RequestKeys.named(flag) else {
      throw ElbowError(
        .unknownName,
        "no field '\(flag)' can stand here"
          + didYouMean(flag, among: RequestFile.keys + lists))
    }
    var values = value.null == nil ? try texts(value, flag) : []
    switch key.form {
    case .toggle:
      guard values.allSatisfy(["true", "false"].contains) else {
        throw ElbowError(.malformed, "'\(flag)' must be true or false")
      }
    case .text: values = try values.flatMap { try SamplingStrategies.expand($0, what: flag) }
    case .list, .literal: break
    }
    guard !values.isEmpty || value.null != nil else {
      throw ElbowError(.malformed, "'\(flag)' has no values")
    }
    return Axis(flag: flag, values: values)
  }

  /// The values of a flag.
  private static func texts(_ value: Node, _ flag: String) throws -> [String] {
    func scalar(_ node: Node) throws -> String {
      guard let scalar = node.scalar else {
        throw ElbowError(.malformed, "'\(flag)' needs a plain value or a list of them")
      }
      return scalar.string
    }
    guard let list = value.sequence else { return [try scalar(value)] }
    guard case .list? = RequestKeys.named(flag)?.form else { return try list.map(scalar) }
    // As in a file of run, unless there are lists in it.
    guard list.contains(where: { $0.sequence != nil }) else {
      return [try list.map(scalar).joined(separator: ",")]
    }
    return try list.map {
      try ($0.sequence.map(Array.init) ?? [$0]).map(scalar).joined(separator: ",")
    }
  }

  private static func axes(_ node: Node, of what: String) throws -> [Axis] {
    guard let mapping = node.mapping else {
      throw ElbowError(.malformed, "'\(what)' needs a list of mappings from flags to values")
    }
    return try mapping.map { try axis($0.key.string ?? "?", $0.value) }
  }

  private static func cases(_ node: Node) throws -> [[Axis]] {
    guard let list = node.sequence, !list.isEmpty else {
      throw ElbowError(
        .malformed, "'cases' needs a list, as '- {attack: pgd-margin, epsilon: 8/255}'")
    }
    return try list.map { try axes($0, of: "cases") }
  }

  private static func exclusions(_ node: Node) throws -> [SweepExclusion] {
    try (node.sequence.map(Array.init) ?? [node]).map { item in
      if let text = item.scalar?.string {
        return .meeting(try RowFilter(text, label: "exclude"))
      }
      return .matching(try axes(item, of: "exclude"))
    }
  }

  // MARK: Cells

  /// Every combination but those excluded, flags in the file's order: the last one changes fastest.
  ///
  /// - Throws: `ElbowError` where there are too many or none; `ElbowError` for exclusions
  ///   out of form.
  package func cells() throws -> [SweepCell] {
    var cells: [SweepCell] = []
    for chosen in cases.isEmpty ? [[]] : cases {
      let own = Set(chosen.map(\.flag))
      let axes = (axes.filter { !own.contains($0.flag) } + chosen).filter { !$0.values.isEmpty }
      let count = axes.reduce(1.0) { $0 * Double($1.values.count) }
      guard Double(cells.count) + count <= Double(Self.limit) else {
        throw ElbowError(
          .malformed,
          "the sweep has more than \(Self.limit) cells; leave some values out")
      }
      cells += axes.reduce([SweepCell()]) { cells, axis in
        cells.flatMap { cell in axis.values.map { cell.adding(axis.flag, $0) } }
      }
    }
    for exclusion in exclusions { cells = try exclusion.remaining(cells) }
    guard !cells.isEmpty else {
      throw ElbowError(.malformed, "every cell of the sweep is excluded")
    }
    return cells
  }
}
