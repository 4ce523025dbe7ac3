import Basics
import Experiments
import Records
import Reporting
import RunStore

/// What randomized smoothing certifies of a run's images, as `elbow certify` tells it.
enum CertificateView {
  static let parameters: [Route.Parameter] = [
    .init(name: "radii", meaning: "ℓ2 radii in pixel units with commas between, as 0,0.25,0.5.")
  ]

  /// The rows that an address asks for.
  ///
  /// - Throws: `ElbowError` for what is out of form, and for a run without votes.
  static func table(_ call: Call) throws -> ResultTable {
    let text = call["radii"] ?? Certification.usualRadii
    guard let radii = Certification.radii(text) else {
      throw ElbowError(
        .malformed, "`radii` must be numbers from 0 with commas between, got '\(text)'")
    }
    return try Certification(of: call.store.recordedRun(call.run()), in: call.store)
      .table(at: radii)
  }

  /// The section of a run's page; nil where the run has no votes, or none of clean images.
  ///
  /// - Throws: `ElbowError`.
  static func section(_ id: String, _ header: ResultTable, _ call: Call) throws -> HTML? {
    guard header[0, "randomized_smoothing"] != .null, header[0, "attack"] == .null,
      header[0, .nDone] ?? 0 > 0
    else { return nil }
    guard try !call.store.query(.certificates(of: id)).rows.isEmpty else { return nil }
    let run = try call.store.recordedRun(id)
    let certification = try Certification(of: run, in: call.store)
    let label = header[0, .name] ?? String(id.prefix(RunSummary.shortID))
    let figure = Figure(certified: [
      .init(
        run: id, label: label, radii: certification.radii, attacked: certification.attacked)
    ])
    let radii = Certification.radii(Certification.usualRadii) ?? []
    let all = certification.radii.count
    func data(_ name: String) -> String { Address.of(["api", "v1", "runs", id, name]) }
    return """
      <section><h2>Certified accuracy</h2>
      \(Chart(figure: figure).html)
      \(TableView(table: certification.summary(at: radii), caption: "Certified accuracy by radius").html)
      <p class="note">The classifier abstains, or is wrong, on \(certification.abstentions) of \
      \(all.counted("image")). <code>\(call.command(["certify", id]))</code>; \
      \(HTML.link(data("certified"), "these rows")), \
      \(HTML.link(data("certificates"), "a radius an image")).</p></section>
      """
  }
}
