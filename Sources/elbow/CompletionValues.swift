import Classifiers
import Foundation
import Networks
import Packaging
import Queries
import RunStore

/// The values that stand for names of runs, columns, models and the like.
enum CompletionValues {
  /// The values that may stand at `place`; none where they are files, numbers or free text.
  static func at(_ place: Completion.Place) -> [Candidate] {
    // Nobody reads an error while completing.
    (try? named(kind(of: place), place)) ?? []
  }

  private enum Kind { case run, trashedRun, group, tag, column, metric, query, parameter, model }
  private enum Listed { case known(Kind), strategy, weights, none }

  /// What the names of options and values say that they take.
  private static let kinds: [String: Kind] = [
    "run": .run, "runs": .run, "--inputs": .run, "--resume": .run, "run|name": .run,
    "run|key=value": .run, "--group": .group, "--remove": .tag, "--columns": .column,
    "--drop": .column, "--sort": .column, "--group-by": .column, "--over": .column,
    "--where": .column, "key": .metric, "--metrics": .metric, "param=value": .parameter,
    "name|file": .model,
  ]

  private static func kind(of place: Completion.Place) -> Listed {
    switch (place.path, place.argument.flags.first ?? place.argument.valueName) {
    case (_, "--strategy"): .strategy
    case (_, "--weights"): .weights
    case (["restore"], "run"), (["restore"], "runs"): .known(.trashedRun)
    case (["query"], "name"): .known(.query)
    // Its columns are those of the answer.
    case (["query"], "--where"): .none
    case (_, let name): kinds[name].map(Listed.known) ?? .none
    }
  }

  private static func named(
    _ kind: Listed, _ place: Completion.Place
  ) throws -> [Candidate] {
    switch kind {
    case .strategy:
      return SamplingStrategies.usages.map { usage in
        let form = usage.prefix { $0 != ":" }
        return Candidate(form.count < usage.count ? form + ":" : String(form), usage)
      }
    case .weights: return NoiseWeights.allCases.map { Candidate($0.rawValue) }
    case .none: return []
    case .known(.query): return Queries.all.map { Candidate($0.name, $0.description) }
    case .known(.parameter):
      let query = place.words.lazy.compactMap(Queries.named).first
      return (query?.parameters ?? []).map { Candidate($0.name + "=", $0.description) }
    case .known(.model): return ShippedModels.names.map { Candidate($0, "shipped model") }
    case .known(let kind): return try recorded(kind, place)
    }
  }

  private static func recorded(_ kind: Kind, _ place: Completion.Place) throws -> [Candidate] {
    var database = DatabaseOption()
    database.db = place.value(of: "--db").map { NSString(string: $0).expandingTildeInPath }
    let names = try RecordedNames(database.path)
    switch kind {
    case .run, .trashedRun:
      return try names.runs(limit: 200, trashed: kind == .trashedRun)
        .map { Candidate($0.word, $0.meaning) }
    case .group: return try names.groups.map { Candidate($0) }
    case .tag: return try names.tags.map { Candidate($0) }
    case .column: return try names.columns.map { Candidate($0) }
    case .metric: return try names.metrics.map { Candidate($0) }
    case .query, .parameter, .model: return []
    }
  }
}
