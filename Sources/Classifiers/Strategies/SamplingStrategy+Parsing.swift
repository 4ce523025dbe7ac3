import Basics
import Records

/// The strategies by name.
public enum SamplingStrategies {
  private struct Form: Sendable {
    var name: String
    var usage: String
    /// nil where the arguments are not of the form.
    var make: @Sendable (_ arguments: String, _ context: Context) throws -> (any SamplingStrategy)?
  }

  private struct Context: Sendable {
    var text: String
    var grid: NoiseGrid
    var classCount: Int

    /// A subset's size, checked against the grid.
    func size(_ argument: Substring) throws -> Int? {
      guard let size = Int(argument) else { return nil }
      guard (1...grid.count).contains(size) else {
        throw ElbowError(
          .malformed,
          "strategy '\(text)' asks for \(size.counted("timestep")), the grid \(grid.spelling) has "
            + "\(grid.count); ask for 1 to \(grid.count)")
      }
      return size
    }

    /// Listed timesteps, checked against the grid.
    func list(_ argument: Substring) throws -> TimestepList? {
      guard let list = TimestepList(argument) else { return nil }
      if let step = list.steps.first(where: { $0.index >= grid.count }) {
        throw ElbowError(
          .malformed,
          "strategy '\(text)' asks for timestep \(step.index), the grid \(grid.spelling) has 0 to "
            + "\(grid.count - 1)")
      }
      return list
    }
  }

  private static let forms = [
    Form(name: "full", usage: "full") { arguments, _ in
      arguments.isEmpty ? EvenSubset(size: nil) : nil
    },
    Form(name: "uniform", usage: "uniform:COUNT") { arguments, context in
      try context.size(arguments[...]).map { EvenSubset(size: $0) }
    },
    Form(name: "first", usage: "first:COUNT") { arguments, context in
      try context.size(arguments[...]).map {
        GridRange(spelling: "first:\($0)", timesteps: 0..<$0)
      }
    },
    Form(name: "last", usage: "last:COUNT") { arguments, context in
      try context.size(arguments[...]).map {
        GridRange(
          spelling: "last:\($0)", timesteps: context.grid.count - $0..<context.grid.count)
      }
    },
    Form(name: "band", usage: "band:LOW:HIGH") { arguments, context in
      let bounds = arguments.split(separator: ":", omittingEmptySubsequences: false)
      guard bounds.count == 2, let lo = Double(bounds[0]), let hi = Double(bounds[1]), lo <= hi,
        lo.isFinite, hi.isFinite
      else { return nil }
      let levels = context.grid.levels
      let low = levels.firstIndex { $0.sigma >= Float(lo) } ?? levels.count
      let high = levels.lastIndex { $0.sigma <= Float(hi) }.map { $0 + 1 } ?? 0
      guard low < high else {
        throw ElbowError(
          .malformed,
          "strategy '\(context.text)' holds no noise level of the grid \(context.grid.spelling), which "
            + "goes from \(levels[0].sigma) to \(levels[levels.count - 1].sigma)")
      }
      let spelling = [lo, hi].map { JSONValue.canonical(number: $0) }.joined(separator: ":")
      return GridRange(spelling: "band:\(spelling)", timesteps: low..<high)
    },
    Form(name: "random", usage: "random:COUNT") { arguments, context in
      try context.size(arguments[...]).map { RandomSubset(size: $0) }
    },
    Form(name: "halving", usage: "halving:CLASSESxCOUNT,…") { arguments, context in
      var rounds: [SuccessiveHalving.Round] = []
      for part in arguments.split(separator: ",", omittingEmptySubsequences: false) {
        let numbers = part.split(separator: "x", omittingEmptySubsequences: false)
        guard numbers.count == 2, let classes = Int(numbers[0]),
          let timesteps = try context.size(numbers[1])
        else { return nil }
        guard (1...context.classCount).contains(classes) else {
          throw ElbowError(
            .malformed,
            "strategy '\(context.text)' keeps \(classes.counted("class")), the model has "
              + "\(context.classCount); keep 1 to \(context.classCount)")
        }
        if let last = rounds.last, last.timesteps >= timesteps || last.classes <= classes {
          throw ElbowError(
            .malformed,
            "strategy '\(context.text)' needs rounds of more and more timesteps that keep fewer and "
              + "fewer classes, as halving:5x10,1x50")
        }
        rounds.append(.init(classes: classes, timesteps: timesteps))
      }
      return SuccessiveHalving(rounds: rounds)
    },
    Form(name: "racing", usage: "racing:DELTA") { arguments, context in
      guard let delta = Double(arguments) else { return nil }
      guard delta > 0, delta < 1 else {
        throw ElbowError(
          .malformed,
          "strategy '\(context.text)' needs a probability of error between 0 and 1, as racing:0.05")
      }
      return Racing(delta: delta)
    },
    Form(name: "subset", usage: "subset:TIMESTEP*FACTOR+…") { arguments, context in
      try context.list(arguments[...]).map { ListedSubset(list: $0) }
    },
    Form(name: "sift", usage: "sift:TAU,COUNT|TIMESTEP*FACTOR+…") { arguments, context in
      let parts = arguments.split(separator: ",", omittingEmptySubsequences: false)
      guard parts.count == 2, let threshold = Double(parts[0]) else { return nil }
      let even = try context.size(parts[1]).map(Sifting.Subset.even)
      guard let subset = try even ?? context.list(parts[1]).map(Sifting.Subset.listed) else {
        return nil
      }
      guard threshold > 0, threshold.isFinite else {
        throw ElbowError(
          .malformed,
          "strategy '\(context.text)' needs a positive threshold, as sift:2,25")
      }
      return Sifting(threshold: threshold, subset: subset)
    },
  ]

  /// How each strategy is spelled.
  public static var usages: [String] { forms.map(\.usage) }

  /// Spellings with every range of integers `A...B`, both ends included, written out: as
  /// `uniform:1...3` to `uniform:1`, `uniform:2`, `uniform:3`. Of images `A..B` leaves B out; here it
  /// means the same as `A...B`, as files of old have it.
  ///
  /// - Parameter what: what is spelled, for messages.
  /// - Throws: `ElbowError` for a range that falls, or more than 10,000 spellings.
  public static func expand(_ text: String, what: String) throws -> [String] {
    guard let range = text.firstMatch(of: /([0-9]{1,9})\.\.\.?([0-9]{1,9})/),
      let first = Int(range.1), let last = Int(range.2)
    else { return [text] }
    guard first <= last else {
      throw ElbowError(.malformed, "\(what) '\(text)' has a range that falls; write LOW...HIGH")
    }
    let tails = try expand(String(text[range.range.upperBound...]), what: what)
    guard (last - first + 1) * tails.count <= 10_000 else {
      throw ElbowError(.malformed, "\(what) '\(text)' stands for more than 10000 values")
    }
    let head = text[..<range.range.lowerBound]
    return (first...last).flatMap { number in tails.map { "\(head)\(number)\($0)" } }
  }

  /// `expand` of strategies.
  ///
  /// - Throws: `ElbowError`.
  public static func expand(_ text: String) throws -> [String] {
    try expand(text, what: "strategy")
  }

  /// Reads a spelling, as `uniform:10`, for a grid and a number of classes.
  ///
  /// - Throws: `ElbowError` for unknown names, malformed arguments, and more timesteps or
  ///   classes than there are.
  public static func parse(
    _ text: String, grid: NoiseGrid, classCount: Int
  ) throws -> any SamplingStrategy {
    let colon = text.firstIndex(of: ":")
    let name = String(text[..<(colon ?? text.endIndex)])
    guard let form = forms.first(where: { $0.name == name }) else {
      let names = forms.map(\.name)
      throw ElbowError(
        .unknownName,
        "no strategy '\(name)'; there are \(usages.joined(separator: ", "))"
          + didYouMean(name, among: names))
    }
    let arguments = colon.map { String(text[text.index(after: $0)...]) } ?? ""
    let context = Context(text: text, grid: grid, classCount: classCount)
    guard (colon == nil) == arguments.isEmpty, let made = try form.make(arguments, context) else {
      throw ElbowError(.malformed, "strategy '\(text)' is not of the form \(form.usage)")
    }
    return made
  }
}
