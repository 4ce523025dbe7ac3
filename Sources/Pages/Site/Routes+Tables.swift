import Basics
import Classifiers
import Experiments
import Queries
import Records
import Reporting
import RunStore

/// What programs can ask: the same tables as the command line's, as JSON and CSV.
extension Routes {
  private static let root = "/api/v1"

  static let tables: [Route] =
    [
      Route(
        path: "\(root)/runs", summary: "Runs, newest first; 'elbow runs --format json'.",
        parameters: Route.Parameter.list + Route.Parameter.part, answer: .table(runs)),
      Route(
        path: "\(root)/runs/{run}", summary: "One run; 'elbow show RUN --format json'.",
        answer: .document(
          { try RunPage($0.run(), $0.store, times: $0.times).json() },
          table: { try RunPage($0.run(), $0.store, times: $0.times).header })),
    ]
    + ofRun.map { name, summary, handle in
      Route(
        path: "\(root)/runs/{run}/\(name)", summary: summary,
        parameters: [.condition("this table")] + Route.Parameter.part,
        answer: .table { call in try call.rows(handle(call.run()), where: call.filter()) })
    } + [
      Route(
        path: "\(root)/runs/{run}/certified",
        summary: "Certified accuracy by radius, of a smoothed classifier; 'elbow certify RUN'.",
        parameters: CertificateView.parameters + Route.Parameter.part,
        answer: .table { call in try call.rows(of: CertificateView.table(call)) }),
      Route(
        path: "\(root)/runs/{run}/images/{image}/evidence",
        summary: "What each noise level adds to the ELBO of every class, of one image.",
        parameters: Route.Parameter.part,
        answer: .table { call in try call.rows(.evidence(of: call.run(), image: call.image())) }),
      Route(
        path: "\(root)/runs/{run}/images/{image}/errors",
        summary:
          "What the denoiser errs by at a few noise levels, for the two classes that the answer "
          + "turned on; runs the network.",
        parameters: ErrorsPage.parameters + Route.Parameter.part,
        answer: .table { call in try call.rows(of: ErrorsPage.errors(call).table) }),
      Route(
        path: "\(root)/comparison",
        summary: "Runs against the first; 'elbow compare RUN … --format json'.",
        parameters: [.runs(1...ComparePage.mostRuns), ComparePage.common] + Route.Parameter.part,
        answer: .document(
          { call in try comparison(call).json(flips: flips(call)) },
          table: { call in try call.rows(of: comparison(call).runs) })),
      Route(
        path: "\(root)/pairs",
        summary:
          "Each run against the first: counts, difference with intervals, exact test; as "
          + "'elbow compare' has them in `pairs`.",
        parameters: [.runs(1...ComparePage.mostRuns), ComparePage.common] + Route.Parameter.part,
        answer: .table { call in try call.rows(of: comparison(call).pairTable) }),
      Route(
        path: "\(root)/flips", summary: "Images that two runs answer differently.",
        parameters: [.runs(1...2)] + Route.Parameter.part,
        answer: .table { call in
          let ids = try call.pair()
          return try call.rows(.flips(ids[0], ids[1]))
        }),
      Route(
        path: "\(root)/difference", summary: "What two runs differ in; 'elbow diff A B'.",
        parameters: [.runs(1...2)] + Route.Parameter.part,
        answer: .table { call in
          let ids = try call.pair()
          return try call.rows(.diff(ids[0], ids[1]))
        }),
      Route(
        path: "\(root)/pareto",
        summary: "Accuracy against compute; 'elbow pareto --format json'.",
        parameters: FrontPage.parameters + Route.Parameter.part,
        answer: .document(
          { call in
            let answer = try FrontPage.data(call)
            return try answer.view.json(all: call.flag("all"), answers: answer.choices)
          },
          table: { call in
            try call.rows(of: FrontPage.data(call).view.rows(all: call.flag("all")))
          })),
      Route(
        path: "\(root)/robustness",
        summary: "Accuracy under attack; 'elbow robustness --format json'.",
        parameters: [.condition("the query robustness")] + Route.Parameter.part,
        answer: .table { call in
          let filter = try call.filter()
          return try call.rows(
            of: call.whole(RobustnessPage.question(call)) {
              try Robustness(in: $0, where: filter)
            }.table)
        }),
      Route(
        path: "\(root)/attacks",
        summary: "The attacks behind the robustness; 'elbow query robustness-attacks'.",
        parameters: [.condition("the query robustness-attacks")] + Route.Parameter.part,
        answer: .table { call in try call.rows(.robustnessAttacks, where: call.filter()) }),
      Route(
        path: "\(root)/replay",
        summary: "What a strategy answers on a run's recorded losses; nothing is recorded.",
        parameters: [.runs(1...1)] + ReplayPage.parameters.dropFirst() + Route.Parameter.part,
        answer: .table { call in
          let answer = try ReplayPage.answer(call.store.runID(ReplayPage.runName(call)), call)
          return try call.rows(of: answer.table)
        }),
      Route(
        path: "\(root)/state",
        summary:
          "Another text after every change of the file: what was answered before holds as long as "
          + "it stays the same.",
        answer: .document(
          { JSONValue.object(["state": .string($0.archive.state)]).canonical + "\n" }, table: nil)),
      Route(
        path: "\(root)/groups", summary: "Groups of runs; 'elbow query groups'.",
        parameters: Route.Parameter.part, answer: .table { try $0.rows(.groups) }),
      Route(
        path: "\(root)/trainings", summary: "Trainings; 'elbow query trainings'.",
        parameters: Route.Parameter.part, answer: .table { try $0.rows(.trainings) }),
      Route(
        path: "\(root)/trainings/{training}/curves",
        summary: "What a training measured; 'elbow query training-curves'.",
        parameters: Route.Parameter.part,
        answer: .table { call in
          try call.rows(
            .trainingCurves(
              of: [TrainingsPage.id(call.part("training"), call.store)],
              points: TrainingsPage.points))
        }),
    ]

  /// Tables of one run, each a query of the catalogue.
  private static let ofRun:
    [(name: String, summary: String, handle: @Sendable (String) -> QueryHandle)] = [
      ("predictions", "Its images; 'elbow query predictions run=RUN'.", { .predictions(of: $0) }),
      ("elbos", "ELBO of every image and class.", { .classELBOs(of: $0) }),
      ("evidence", "What each noise level adds to the ELBO.", { .evidence(of: $0) }),
      ("confusion", "How often one class was taken for another.", { .confusion(of: $0) }),
      ("classes", "Accuracy by class.", { .classes(of: $0) }),
      (
        "certificates",
        "Radius that randomized smoothing certifies of every image; 'elbow query certificates'.",
        { .certificates(of: $0) }
      ),
      ("timesteps", "Noise levels with their weights.", { .timesteps(of: $0) }),
      ("sessions", "The processes that worked on it.", { .sessions(of: $0) }),
      (
        "changes", "What was changed in its code since the commit; 'elbow show RUN --diff'.",
        { .codeChanges(of: $0) }
      ),
      ("replays", "Replays of its losses.", { .replays(of: $0) }),
      (
        "metrics", "Every point of its metrics; 'elbow query metric-points'.",
        { .metricPoints(of: $0, names: [], repeated: false) }
      ),
    ]

  private static func runs(_ call: Call) throws -> ResultTable {
    var list = try RunList(call)
    if list.groupedBy != nil {
      return try call.rows(
        of: list.answer(call.store, where: call.filter(), isForReading: false).table)
    }
    (list.limit, list.offset) = (try call.limit + 1, try call.offset)
    return try list.answer(call.store, where: call.filter(), isForReading: false).table
  }

  private static func comparison(_ call: Call) throws -> Comparison {
    let comparison = try Comparison(call.several(), call.store)
    if try !call.flag(ComparePage.common.name) { try comparison.refuseUnequalInputs() }
    return comparison
  }

  private static func flips(_ call: Call) throws -> ResultTable? {
    let ids = try call.several()
    return ids.count == 2 ? try call.store.query(.flips(ids[0], ids[1])) : nil
  }
}

extension RunList {
  /// The list that an address asks for.
  ///
  /// - Throws: `ElbowError` where it asks for two at once.
  init(_ call: Call) throws {
    if call["group-by"] != nil, call["columns"] != nil {
      throw ElbowError(
        .malformed, "`group-by` has columns of its own; leave `columns` out")
    }
    self.init(
      columns: call["columns"].map(Self.names), order: Self.names(call["sort"] ?? ""),
      groupedBy: call["group-by"].map(Self.names),
      over: call["over"] ?? Self.usualRepetition)
  }
}

extension Call {
  /// The image that the path names, by its index in the split.
  ///
  /// - Throws: `ElbowError` for what is no number.
  func image() throws -> Int {
    guard let image = Int(part("image")) else {
      throw ElbowError(.unknownName, "'\(part("image"))' is no index of an image")
    }
    return image
  }

  /// Runs to compare.
  ///
  /// - Throws: `ElbowError` where there are fewer than two.
  func several() throws -> [String] {
    let ids = try runs()
    guard ids.count >= 2 else {
      throw ElbowError(.malformed, "a comparison needs at least two runs, as `run`")
    }
    return ids
  }

  /// Two runs.
  ///
  /// - Throws: `ElbowError` where there are more or fewer.
  func pair() throws -> [String] {
    let ids = try runs()
    guard ids.count == 2 else {
      throw ElbowError(.malformed, "exactly two runs are needed, as `run`, not \(ids.count)")
    }
    return ids
  }
}
