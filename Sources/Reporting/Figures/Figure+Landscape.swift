import Basics

extension Figure {
  /// The margin around an image, along an attack's gradient and across it.
  ///
  /// - Parameters:
  ///   - margins: rows of rising steps across, in each rising steps along. **Shape** `[side][side]`, odd.
  ///   - budget: ε as people write it, with its norm, as `8/255 linf`.
  ///   - description: what is shown: image, class, objective.
  ///   - run: full id of the run.
  public init(
    landscape margins: [[Double]], budget: String, description: [String], run: String
  ) {
    let side = margins.count
    let middle = side / 2
    let finite = margins.joined().filter(\.isFinite)
    let bound = max(finite.map(\.magnitude).max() ?? 0, .leastNormalMagnitude)
    let names = (0..<side).map { $0 == 0 ? "−ε" : $0 == middle ? "0" : $0 == side - 1 ? "ε" : "" }
    let across = margins.map { $0[middle] }
    let wrong = finite.count { $0 > 0 }
    func text(_ value: Double) -> String { TableFormat.short((value * 1e4).rounded() / 1e4) }
    self.init(
      "Loss around the image, ε = \(budget)",
      panels: [
        Panel(
          "margin of the best other class; above 0: misclassified",
          x: Axis("along the attack's gradient"), y: Axis("across, at random"),
          .matrix(
            // The first row is at the top.
            Matrix(
              margins.reversed(), rows: names.reversed(), columns: names, range: -bound...bound,
              colors: .difference)))
      ],
      caption: description + [
        "Along the gradient the margin goes from \(text(margins[middle][0])) at −ε by "
          + "\(text(margins[middle][middle])) at the image to \(text(margins[middle][side - 1])) at ε; "
          + "across it stays within \(text(across.min() ?? 0)) and \(text(across.max() ?? 0)).",
        "\(wrong) of \(side * side) points are misclassified.", Self.describe(runs: [run]),
      ], sources: [run])
  }
}
