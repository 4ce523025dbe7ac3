import Queries
import Testing

@Suite struct QueryHandleTests {
  private static let threat = QueryHandle.ThreatModel(norm: "linf", epsilon: 0.1)
  private static let handles: [QueryHandle] = [
    .runs, .trash, .run("R"), .sessions(of: "R"), .codeChanges(of: "R"),
    .timesteps(of: "R"), .provenance(of: ["R"]),
    .dependants(of: ["R"]), .inconsistencies(of: "R"), .replays(of: "R"), .predictions(of: "R"),
    .confusion(of: "R"), .classELBOs(of: "R"), .groups,
    .classes(of: "R"), .evidence(of: "R"), .evidence(of: "R", image: 1), .attackSummary(of: "R"),
    .brokenBy(of: "R"), .robustnessAttacks, .threatModels, .transfer(of: ["R"]),
    .comparison(of: ["R"]), .answers(of: ["R"]), .diff("A", "B"), .flips("A", "B"),
    .paired("A", "B"),
    .pairedRobust([("A", "B")], threat), .pareto(nil), .pareto(threat),
    .robustness, .accuracyCost(of: ["R"]), .accuracyByEpsilon(of: ["R"]), .trainings,
    .trainingCurves(of: ["T"], points: 2), .metricCurves(of: ["R"], points: 2),
    .metricSeries(of: "R"), .metricPoints(of: "R", names: [], repeated: false), .health,
  ]

  /// A handle names a file, gives what that needs, and nothing that it does not take.
  @Test(arguments: handles)
  func handlesFitTheirFiles(handle: QueryHandle) throws {
    let query = try #require(Queries.named(handle.name), "no file \(handle.name).sql")
    let known = query.parameters.map(\.name)
    #expect(handle.values.keys.allSatisfy(known.contains), "\(handle)")
    let needed = query.parameters.filter { $0.fallback == nil }.map(\.name)
    #expect(needed.allSatisfy { handle.values[$0] != nil }, "\(handle) lacks one of \(needed)")
  }
}
