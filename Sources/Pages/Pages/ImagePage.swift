import Basics
import Foundation
import Queries
import Records
import Reporting
import RunStore

/// One image of a run: its pictures, every class's ELBO, and what each noise level adds.
enum ImagePage {
  @Sendable static func page(_ call: Call) throws -> Page {
    let id = try call.run()
    let index = try call.image()
    let (store, filter) = (call.store, RowFilter.equal("image_index", index))
    let answers = try store.query(.predictions(of: id), where: filter, limit: 1)
    guard !answers.rows.isEmpty else {
      throw ElbowError(.unknownName, "run \(id) has classified no image \(index)")
    }
    let classes = try store.classNames(id)
    let elbos = try store.query(.classELBOs(of: id), where: filter)
    let evidence = try store.query(.evidence(of: id, image: index))
    let figure: HTML? =
      evidence.rows.isEmpty
      ? nil
      : Chart(
        figure: Figure(
          evidenceOfImage: evidence, classes: classes, image: index, run: id)
      ).html
    return Page(
      title: "Image \(index) of \(id.prefix(RunSummary.shortID))",
      body: """
        <p class="kind">Run \(HTML.run(id)) · \(HTML.link(Address.of(["runs", id, "images"]), "images"))</p>
        <h1>Image \(index)</h1>
        \(try pictures(id, index, call))
        \(facts(answers, classes: classes, radius: try radius(id, filter, store)))
        \(try neighbours(id, answers, store))
        <section><h2>ELBO by class</h2>
        \(bars(elbos, classes, label: answers[0, "label"]))</section>
        \(figure.map { "<section><h2>Evidence by noise level</h2>\n\($0)</section>" as HTML })
        \(try maps(id, index, store.query(.run(id))))
        """,
      command: evidence.rows.isEmpty
        ? call.command(
          ["query", "class-elbos", "run=\(id)"], [("--where", "image_index = \(index)")])
        : call.command(["plot", "evidence", id, "--image", "\(index)"]),
      data: evidence.rows.isEmpty
        ? nil : Address.of(["api", "v1", "runs", id, "images", "\(index)", "evidence"]),
      section: "/")
  }

  private static func pictures(_ id: String, _ index: Int, _ call: Call) throws -> HTML {
    guard let picture = try? Picture(id, index, call) else { return "" }
    if picture.isSignal {
      // Where the dataset's files are gone, the rest of the page stands without.
      return (try? picture.figure(id, call.store)).map { Chart(figure: $0).html } ?? ""
    }
    let isChanged = try picture.isChanged(call.store)
    let shown: [(Picture.Kind, String)] =
      isChanged
      ? [
        (.clean, "clean"), (.final, "as it was classified"),
        (.difference, "difference, its largest as bright as can be"),
      ]
      : [(.clean, "as it was classified")]
    let figures = shown.filter { picture.has($0.0, call.store) }.map { kind, text -> HTML in
      "<figure>\(ImagesPage.picture(id, index, kind, size: 168))<figcaption>\(text)</figcaption></figure>"
    }
    return figures.isEmpty ? "" : "<div class=\"pictures\">\(figures)</div>"
  }

  /// The way to the error maps, of runs that have a denoiser: they take some evaluations of it, so
  /// that they are made where they are asked for.
  private static func maps(_ id: String, _ index: Int, _ run: ResultTable) -> HTML? {
    let kind = run[0, "classifier"].string.flatMap(Configuration.Classifier.init)
    guard kind?.weighsLosses == true, run[0, "replay_of"] == .null, run[0, "external"] == .null
    else { return nil }
    let address = Address.errors(id, index)
    return """
      <section><h2>Error maps</h2>
      <details data-load="\(address)"><summary>Where in the image the denoiser errs</summary>
      <p>\(HTML.link(address, "Error maps")) take some evaluations of the network.</p></details></section>
      """
  }

  /// The ℓ2 radius that is certified around it; nil where nothing is.
  private static func radius(
    _ id: String, _ filter: RowFilter, _ store: RunStore
  ) throws -> Double? {
    let certificates = try store.query(.certificates(of: id), where: filter, limit: 1)
    return certificates.rows.isEmpty ? nil : certificates[0, "radius"].number
  }

  private static func cleanName(_ answers: ResultTable, _ classes: [String]) -> String? {
    guard case .integer(let index) = answers[0, "clean_predicted"] else { return nil }
    return Int(exactly: index).flatMap { classes.indices.contains($0) ? classes[$0] : nil }
      ?? "class \(index)"
  }

  private static func facts(
    _ answers: ResultTable, classes: [String], radius: Double?
  ) -> HTML {
    func text(_ column: String) -> String? {
      answers[0, column] == .null ? nil : answers[0, column].reading(short: true)
    }
    let facts: [(String, HTML?)] = [
      ("true class", text("label_name").map { "\($0)" }),
      ("predicted", text("predicted_name").map { "\($0)" }),
      ("right", ImagesPage.mark(answers[0, "correct"])),
      ("predicted when clean", cleanName(answers, classes).map { "\($0)" }),
      ("attacked", text("attacked") == nil ? nil : ImagesPage.mark(answers[0, "attacked"])),
      ("largest change (ℓ∞)", text("attack_linf").map { "\($0)" }),
      ("change (ℓ2)", text("attack_l2").map { "\($0)" }),
      (
        "certified within (ℓ2)",
        radius.map { $0 > 0 ? "\(TableFormat.short($0))" : "nothing: it abstains" }
      ),
      ("NFE", text("nfe").map { "\($0)" }), ("gradients", text("gradients").map { "\($0)" }),
      ("moved by (mean)", text("movement_mean").map { "\($0)" }),
      ("of", "\(text("dataset") ?? "") \(text("split") ?? "")"),
    ]
    return .facts(facts.compactMap { label, value in value.map { (label, $0) } })
  }

  /// The image before and the one after, in the run's order.
  private static func neighbours(
    _ id: String, _ answers: ResultTable, _ store: RunStore
  ) throws -> HTML {
    guard let position = answers[0, "position"].number else { return "" }
    func image(_ step: Int) throws -> Int? {
      let table = try store.query(
        .predictions(of: id), where: .equal("position", Int(nearest: position) + step),
        columns: ["image_index"], limit: 1)
      return table.rows.first?[0].number.map { Int(nearest: $0) }
    }
    let (before, after) = (try image(-1), try image(1))
    return """
      <nav class="pages" aria-label="Images">\
      \(before.map { HTML.link(Address.image(id, $0), "← image \($0)") })\
      \(after.map { HTML.link(Address.image(id, $0), "image \($0) →") })</nav>
      """
  }

  /// Every class's ELBO, the best first, as a bar.
  private static func bars(_ elbos: ResultTable, _ classes: [String], label: Cell) -> HTML {
    let values = elbos.rows.indices.compactMap { elbos[$0, .elbo] }
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    let order = elbos.rows.indices.sorted {
      (elbos[$1, .elbo] ?? -.infinity, $0) < (elbos[$0, .elbo] ?? -.infinity, $1)
    }
    let rows = order.map { row -> HTML in
      let one = elbos[row, "class"]
      let name =
        if case .integer(let number) = one, classes.indices.contains(Int(number)) {
          classes[Int(number)]
        } else { one.text(null: "") }
      let share = elbos[row, .elbo].map { high > low ? ($0 - low) / (high - low) : 1 }
      let width = String(format: "%.1f", 2 + 98 * (share ?? 0))
      let kind: HTML = one == label ? " class=\"true\"" : ""
      let bar: HTML? = share.map { _ in
        "<svg class=\"amount\" width=\"102\" height=\"12\" viewBox=\"0 0 102 12\" aria-hidden=\"true\"><rect y=\"1\" width=\"\(width)\" height=\"10\" rx=\"2\"/></svg>"
      }
      let value: HTML =
        elbos[row, .elbo].map { "\(String(format: "%.3f", $0))" }
        ?? "eliminated in round \(elbos[row, "last_round"].text(null: "–"))"
      return
        "<tr\(kind)><th scope=\"row\">\(name)\(one == label ? " (true)" : "")</th><td>\(bar)</td><td class=\"n\">\(value)</td></tr>\n"
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="ELBO by class"><table>
      <thead><tr><th scope="col">class</th><td></td><th scope="col" class="n">ELBO</th></tr></thead>
      <tbody>
      \(rows)</tbody></table></div>
      """
  }
}
