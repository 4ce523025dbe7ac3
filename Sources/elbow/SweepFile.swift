import Classifiers
import Foundation
import Records
import RunStore
import Yams

/// A YAML file of runs: flags of `run`, each with one value or with several, of which every
/// combination is a run, a *cell*.
struct SweepFile {
  /// A flag with the values that it takes in turn; none, as null says, where it is left out.
  struct Axis {
    var flag: String
    var values: [String]
  }

  /// Flags of every cell.
  private var axes: [Axis] = []
  /// Flags that belong together, as an attack with its budget; in a cell stands one of the cases, in
  /// place of flags of its own among `axes`.
  private var cases: [[Axis]] = []
  private var exclusions: [SweepExclusion] = []
  /// Flags that all cells share: of the process, and descriptions.
  private(set) var settings: [String: String] = [:]
  /// Flags that have one value in every cell that has them, but for the cases' own.
  var constants: Set<String> { Set(axes.filter { $0.values.count == 1 }.map(\.flag)) }
  /// Tags of all cells, as `KEY=VALUE`.
  private(set) var tags: [String] = []

  /// Flags that have one value in a sweep.
  static let single = ["db", "threads", "batch", "budget", "group", "name", "note"]
  /// Flags of `run` that `sweep` has itself.
  static let ownFlags = ["db", "threads", "batch", "budget", "group"]
  /// Flags of which a list is one value, and a list of lists several.
  private static let lists = ["images", "prior"]
  /// Flags of which `A..B` is no range of whole numbers.
  private static let literal = ["images", "model", "lm-model", "data", "inputs"]
  /// Most cells.
  private static let limit = 10_000

  /// Reads a file.
  ///
  /// - Parameter overrides: `FLAG=VALUE`, each in place of what the file says of the flag.
  /// - Throws: `ConfigurationError` for a file that cannot be read, and for what is out of form.
  init(_ path: String, overrides: [String]) throws {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ConfigurationError("\(path): cannot be read; a sweep is a YAML file of run's flags")
    }
    do {
      let node: Node?
      do { node = try Yams.compose(yaml: text) } catch {
        throw ConfigurationError("is not YAML: \(error)")
      }
      guard let mapping = node?.mapping else {
        throw ConfigurationError("needs lines of 'flag: value', as 'seed: 0..4'")
      }
      for (key, value) in mapping {
        switch key.string {
        case "cases": cases = try Self.cases(value)
        case "exclude": exclusions = try Self.exclusions(value)
        case let flag: try take(flag ?? "?", value)
        }
      }
    } catch let error as ConfigurationError {
      throw ConfigurationError("\(path): \(error.description)")
    }
    for text in overrides { try override(text) }
  }

  private mutating func take(_ flag: String, _ value: Node) throws {
    if flag == "tag" {
      tags = try Self.texts(value, flag)
    } else if Self.single.contains(flag) {
      guard let scalar = value.scalar else {
        throw ConfigurationError("'\(flag)' has one value for the whole sweep")
      }
      settings[flag] = scalar.string
    } else {
      axes.append(try Self.axis(flag, value))
    }
  }

  private mutating func override(_ text: String) throws {
    let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard pair.count == 2 else {
      throw ConfigurationError("--set needs FLAG=VALUE, as seed=0..4, got '\(text)'")
    }
    let (flag, value) = (String(pair[0]), String(pair[1]))
    axes.removeAll { $0.flag == flag }
    cases = cases.map { $0.filter { $0.flag != flag } }
    if flag == "tag" { return tags.append(value) }
    try take(flag, Node(value))
  }

  // MARK: Parts of the file

  private static func axis(_ flag: String, _ value: Node) throws -> Axis {
    guard RunOptions.names.contains(flag), flag != "tag", !single.contains(flag) else {
      throw ConfigurationError(
        "no flag '\(flag)' can stand here"
          + didYouMean(flag, among: RunOptions.names + ["cases", "exclude"]))
    }
    var values = value.null == nil ? try texts(value, flag) : []
    if RunOptions.switches.contains(flag), !values.allSatisfy(["true", "false"].contains) {
      throw ConfigurationError("'\(flag)' must be true or false")
    }
    if !literal.contains(flag) {
      values = try values.flatMap { try SamplingStrategies.expand($0, what: flag) }
    }
    guard !values.isEmpty || value.null != nil else {
      throw ConfigurationError("'\(flag)' has no values")
    }
    return Axis(flag: flag, values: values)
  }

  /// The values of a flag.
  private static func texts(_ value: Node, _ flag: String) throws -> [String] {
    func scalar(_ node: Node) throws -> String {
      guard let scalar = node.scalar else {
        throw ConfigurationError("'\(flag)' needs a plain value or a list of them")
      }
      return scalar.string
    }
    guard let list = value.sequence else { return [try scalar(value)] }
    guard lists.contains(flag) else { return try list.map(scalar) }
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
      throw ConfigurationError("'\(what)' needs a list of mappings from flags to values")
    }
    return try mapping.map { try axis($0.key.string ?? "?", $0.value) }
  }

  private static func cases(_ node: Node) throws -> [[Axis]] {
    guard let list = node.sequence, !list.isEmpty else {
      throw ConfigurationError("'cases' needs a list, as '- {attack: pgd-margin, epsilon: 8/255}'")
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
  /// - Throws: `ConfigurationError` where there are too many or none; `RunStoreError` for exclusions
  ///   out of form.
  func cells() throws -> [SweepCell] {
    var cells: [SweepCell] = []
    for chosen in cases.isEmpty ? [[]] : cases {
      let own = Set(chosen.map(\.flag))
      let axes = (axes.filter { !own.contains($0.flag) } + chosen).filter { !$0.values.isEmpty }
      let count = axes.reduce(1.0) { $0 * Double($1.values.count) }
      guard Double(cells.count) + count <= Double(Self.limit) else {
        throw ConfigurationError(
          "the sweep has more than \(Self.limit) cells; leave some values out")
      }
      cells += axes.reduce([SweepCell()]) { cells, axis in
        cells.flatMap { cell in axis.values.map { cell.adding(axis.flag, $0) } }
      }
    }
    for exclusion in exclusions { cells = try exclusion.remaining(cells) }
    guard !cells.isEmpty else { throw ConfigurationError("every cell of the sweep is excluded") }
    return cells
  }
}
