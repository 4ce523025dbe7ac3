/// The table of everything that is answered.
enum Routes {
  /// Pages first; of two that fit a path the first answers.
  static let all: [Route] = pages + pictures + tables + [description]

  private static let pages: [Route] = [
    Route(
      path: "/", summary: "The runs that meet a condition.", parameters: RunsPage.parameters,
      answer: .page(RunsPage.page)),
    Route(
      path: "/runs/{run}", summary: "All about one run.", answer: .page(RunView.page)),
    Route(
      path: "/runs/{run}/images", summary: "A run's images and how it answered them.",
      parameters: ImagesPage.parameters, answer: .page(ImagesPage.page)),
    Route(
      path: "/runs/{run}/images/{image}", summary: "One image of a run.",
      answer: .page(ImagePage.page)),
    Route(
      path: "/runs/{run}/images/{image}/errors",
      summary: "Where in the image the run's denoiser errs.", parameters: ErrorsPage.parameters,
      answer: .page(ErrorsPage.page)),
    Route(
      path: "/compare", summary: "Runs against the first of them.",
      parameters: [.runs(0...1000)] + ComparePage.parameters, answer: .page(ComparePage.page)),
    Route(
      path: "/front", summary: "Accuracy against compute.", parameters: FrontPage.parameters,
      answer: .page(FrontPage.page)),
    Route(
      path: "/robustness", summary: "Configurations against threat models.",
      parameters: RobustnessPage.parameters, answer: .page(RobustnessPage.page)),
    Route(
      path: "/replay", summary: "A run's recorded losses under another strategy.",
      parameters: ReplayPage.parameters, answer: .page(ReplayPage.page)),
    Route(path: "/sweeps", summary: "Groups of runs.", answer: .page(SweepsPage.page)),
    Route(
      path: "/trainings", summary: "Trainings and their curves.",
      parameters: TrainingsPage.parameters, answer: .page(TrainingsPage.page)),
    Route(path: "/api", summary: "What programs can ask.", answer: .page(InterfacePage.page)),
  ]

  private static let pictures: [Route] = [
    Route(
      path: "/runs/{run}/images/{image}/{picture}",
      summary: "An image as clean.png, as final.png, or what changed as difference.png.",
      answer: .picture(Picture.png)),
    Route(
      path: "/runs/{run}/images/{image}/errors/{map}",
      summary: "Errors of either class as first.png and second.png, or difference.png.",
      parameters: ErrorsPage.parameters, answer: .picture(ErrorsPage.png)),
  ]

  private static let description = Route(
    path: "/api/v1/openapi.json", summary: "This interface, in OpenAPI 3.1.",
    answer: .document({ _ in OpenAPI.document(of: all) }, table: nil))
}

extension Route.Parameter {
  /// So many runs, by id, name or group; a group stands for its runs.
  static func runs(_ count: ClosedRange<Int>) -> Self {
    Self(
      name: "run", meaning: "A run: an id or its beginning, @last, its name, or a group.",
      count: count, examples: count.upperBound > 1 ? ["@last~1", "@last"] : ["@last"])
  }

  /// A condition over the columns of something.
  static func condition(_ what: String) -> Self {
    Self(name: "where", meaning: "Condition over the columns of \(what).")
  }

  /// Which rows of a table.
  static let part = [
    Self(name: "limit", meaning: "At most so many rows.", kind: .integer(1...Call.largestLimit)),
    Self(
      name: "offset", meaning: "Rows to pass over first.", kind: .integer(0...Call.largestOffset)),
  ]

  /// Which runs, and how they are listed, as `elbow runs` takes it.
  static let list = [
    condition("runs"), Self(name: "started", meaning: "When they started, as 'last 2 days'."),
    Self(name: "status", meaning: "Letters, as fi, or names of statuses."),
    Self(name: "columns", meaning: "Columns to show, with commas between."),
    Self(name: "sort", meaning: "Columns to sort by, falling where a minus stands before."),
    Self(name: "group-by", meaning: "Columns whose equal values put runs together."),
    Self(name: "over", meaning: "The column that the runs of a group differ in."),
  ]
}
