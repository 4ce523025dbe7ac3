import Basics
import Experiments
import Foundation
import Records
import Reporting

/// Where in an image the run's denoiser errs, as `elbow plot errors --pair` draws it.
enum ErrorsPage {
  static let parameters: [Route.Parameter] = [
    .init(name: "sigma", meaning: "Noise levels with commas between, as 0.2,0.5,1.5.")
  ]

  /// What may be shown of a level.
  enum Map: String, CaseIterable {
    case first, second, difference

    /// The name in an address.
    var name: String { rawValue + ".png" }
  }

  /// The errors that an address asks for.
  ///
  /// - Throws: `ElbowError` for what is out of form, and where they cannot be computed.
  static func errors(_ call: Call) throws -> DenoisingErrors {
    let text = call["sigma"]
    guard let sigmas = text.map(DenoisingErrors.sigmas) ?? DenoisingErrors.usualSigmas else {
      throw ElbowError(
        .malformed,
        "`sigma` must be positive numbers with commas between, got '\(text ?? "")'")
    }
    return try call.archive.errors(of: call.run(), call.image(), at: sigmas, call.store)
  }

  @Sendable static func page(_ call: Call) throws -> Page {
    let (id, index) = (try call.run(), try call.image())
    var problem: ElbowError?
    var shown: HTML = ""
    do { shown = try answer(errors(call), id, index) } catch let error as ElbowError {
      problem = error
      shown = .problem(error)
    }
    let address = Address.errors(id, index)
    return Page(
      title: "Error maps of image \(index) of \(id.prefix(RunSummary.shortID))",
      body: """
        <p class="kind">Run \(HTML.run(id)) · \(HTML.link(Address.image(id, index), "image \(index)"))</p>
        <h1>Error maps of image \(index)</h1>
        <form class="ask" action="\(address)" method="get" data-live="answer">
        <div class="field"><label for="sigma">Noise levels σ</label>
        <input id="sigma" name="sigma" value="\(call["sigma"] ?? "")" autocomplete="off" \
        placeholder="0.2,0.5,1.5"></div>
        <button>Show</button></form>
        <div id="answer" aria-live="polite">\(shown)</div>
        """,
      command: problem == nil
        ? call.command(
          ["plot", "errors", id, "--image", "\(index)", "--pair"], [("--sigma", call["sigma"])])
        : nil,
      data: problem == nil
        ? Address.of(["api", "v1", "runs", id, "images", "\(index)", "errors"], call.query) : nil,
      section: "/", status: problem?.status ?? 200)
  }

  private static func answer(
    _ errors: DenoisingErrors, _ id: String, _ index: Int
  ) -> HTML {
    if errors.header.imageShape[1] == 1 { return Chart(figure: errors.figure).html }
    let classes = [errors.classes.first, errors.classes.second].map { errors.header.classNames[$0] }
    let levels = errors.levels.map { level -> HTML in
      let maps: [(Map, String, String, [Float])] = [
        (.first, classes[0], errors.roles[0], level.first),
        (.second, classes[1], errors.roles[1], level.second),
        (.difference, "difference", "blue: \(classes[0]) errs less", level.difference),
      ]
      let figures = maps.map { map, name, role, values -> HTML in
        let sum = String(format: "%.2f", values.reduce(0) { $0 + Double($1) })
        return """
          <figure><img class="pixels" src="\(Address.map(id, index, level.sigma, map.name))" \
          width="168" height="168" alt="\(name), errors by pixel" loading="lazy">\
          <figcaption><b>\(name)</b> \(sum)<br>\(role)</figcaption></figure>
          """
      }
      return """
        <p class="panel">σ = \(TableFormat.short(level.sigma))</p>
        <div class="pictures three">\(figures)</div>

        """
    }
    let power: HTML =
      errors.header.configuration.loss == .squared
      ? "|D(x + σε; σ, y) − x|²" : "|D(x + σε; σ, y) − x|"
    return """
      \(levels)<p class="note">\(power), brighter where the denoiser errs more, by its root, on one \
      scale for both classes of a level; beside each name the sum over pixels, which is the run's \
      loss: the smaller, the more likely the class.</p>
      """
  }

  /// The picture that a path names.
  ///
  /// - Throws: `ElbowError` where there is none, or it cannot be computed.
  @Sendable static func png(_ call: Call) throws -> [UInt8] {
    let name = call.part("map")
    guard let map = Map.allCases.first(where: { $0.name == name }) else {
      throw ElbowError(
        .unknownName,
        "no map '\(name)'; there are \(Map.allCases.map(\.name).joined(separator: ", "))")
    }
    let errors = try errors(call)
    guard errors.levels.count == 1, let level = errors.levels.first else {
      throw ElbowError(.malformed, "a map is of one noise level, as `sigma`")
    }
    let shape = errors.header.imageShape
    let (height, width) = (shape[1], shape[2])
    guard map == .difference else {
      let most = max(level.first.max() ?? 0, level.second.max() ?? 0)
      let values = map == .first ? level.first : level.second
      return PNG.encoded(
        values.map { most > 0 ? ($0 / most).squareRoot() : 0 }, channels: 1, width: width,
        height: height)
    }
    return PNG.encoded(diverging(level.difference), channels: 3, width: width, height: height)
  }

  /// White at 0, orange above, blue below; planar `[3, H, W]`.
  private static func diverging(_ values: [Float]) -> [Float] {
    let most = values.map(abs).max() ?? 0
    let shares = values.map { most > 0 ? $0 / most : 0 }
    let (above, below): ([Float], [Float]) = ([0.76, 0.34, 0.10], [0.04, 0.38, 0.64])
    return (0..<3).flatMap { channel in
      shares.map { 1 - abs($0) * (1 - ($0 > 0 ? above : below)[channel]) }
    }
  }
}

extension Address {
  /// The page of an image's error maps.
  static func errors(_ run: String, _ index: Int) -> String {
    of(["runs", run, "images", "\(index)", "errors"])
  }

  /// One error map.
  static func map(_ run: String, _ index: Int, _ sigma: Double, _ name: String) -> String {
    of(
      ["runs", run, "images", "\(index)", "errors", name], Query([.init("sigma", "\(sigma)")]))
  }
}
