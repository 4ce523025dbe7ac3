import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

/// Rows of named columns.
private func table(_ rows: [[(String, Cell)]]) -> ResultTable {
  ResultTable(columns: rows[0].map(\.0), rows: rows.map { $0.map(\.1) })
}

private func series(_ figure: Figure, _ panel: Int = 0) -> [Figure.Series] {
  if case .series(let series) = figure.panels[panel].content { series } else { [] }
}

private func near(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-9) -> Bool {
  a.map { abs($0 - b) < tolerance } ?? false
}

@Suite struct FigureTests {
  private static func run(
    _ id: String, _ name: String?, _ cost: Double, _ right: Int, attack: String? = nil,
    strategy: String = "full"
  ) -> [(String, Cell)] {
    [
      ("id", .text(id)), ("name", name.map { .text($0) } ?? .null), ("classifier", .text("dc")),
      ("lm", .null), ("strategy", .text(strategy)), ("attack", attack.map { .text($0) } ?? .null),
      ("norm", attack == nil ? .null : .text("linf")),
      ("epsilon", attack == nil ? .null : .real(0.1)), ("inputs_run", .null),
      ("dataset", .text("pets")), ("split", .text("test")), ("cost", .real(cost)),
      ("n_correct", .integer(Int64(right))), ("n_done", .integer(100)),
    ]
  }

  /// Three runs, one of them beaten; 80 of 100 has Wilson's interval 71.1 to 86.7.
  @Test func accuracyHasFrontAndIntervals() {
    let figure = Figure(
      accuracy: table([
        Self.run("01AAAAAAAAXX", "first", 10, 80), Self.run("01BBBBBBBBXX", nil, 20, 70),
        Self.run("01CCCCCCCCXX", nil, 50, 90, strategy: "uniform:5"),
      ]))
    let drawn = series(figure)
    #expect(drawn.map(\.mark) == ["A", "b", "C", nil])
    #expect(
      drawn.map(\.name) == [
        "first  01AAAAAAAA", "full  01BBBBBBBB", "uniform:5  01CCCCCCCC", "Pareto front",
      ])
    let point = drawn[0].points[0]
    #expect((point.x, point.y) == (10, 80))
    #expect(near(point.low, 71.117_083_4, 1e-7) && near(point.high, 86.663_306_7, 1e-7))
    #expect(drawn[3].points == [.init(10, 80), .init(50, 90), .init(50, 90)])
    #expect(figure.title == "Accuracy against compute, n = 100 images of pets test")
    #expect(figure.sources == ["01AAAAAAAAXX", "01BBBBBBBBXX", "01CCCCCCCCXX"])
  }

  /// Runs under different attacks do not compete; a name that two have is told apart.
  @Test func differentAttacksHaveNoFront() {
    let figure = Figure(
      accuracy: table([
        Self.run("01A", "x", 10, 80), Self.run("01B", "x", 20, 70, attack: "pgd-ce"),
      ]))
    #expect(series(figure).map(\.name) == ["x, none  01A", "x, pgd-ce linf 0.1  01B"])
    #expect(series(figure).map(\.mark) == ["a", "b"])
    #expect(figure.caption[0].hasSuffix("so that no front is drawn."))
  }

  /// Nor do runs on images of different datasets.
  @Test func differentDatasetsHaveNoFront() {
    let other = Self.run("01B", "y", 20, 90).map { name, cell in
      (name, name == "dataset" ? .text("toys") : cell)
    }
    let figure = Figure(accuracy: table([Self.run("01A", "x", 10, 80), other]))
    #expect(series(figure).count == 2 && figure.caption[0].contains("of different datasets"))
  }

  /// More runs than letters: none is left out, those of the front are named.
  @Test func everyRunIsDrawn() {
    let rows = (0..<40).map { Self.run("01\($0)", nil, Double(100 - $0), 50 + ($0 < 3 ? $0 : 0)) }
    let figure = Figure(accuracy: table(rows))
    #expect(series(figure).filter { $0.style == .points }.flatMap(\.points).count == 40)
    #expect(series(figure)[0].name == "38 other runs")
    #expect(figure.caption.last == "40 runs are drawn, of which 2 are named.")
  }

  @Test func epsilonHasALineForEachConfiguration() {
    func point(
      _ model: String, _ norm: String, _ epsilon: Double, _ n: Int, _ right: Int
    ) -> [(String, Cell)] {
      [
        ("fingerprint", .text(model)), ("dataset", .text("pets")), ("split", .text("test")),
        ("norm", .text(norm)), ("epsilon", .real(epsilon)), ("n", .integer(Int64(n))),
        ("n_right", .integer(Int64(right))), ("run_ids", .text("01B,01A")),
        ("classifier", .text("cnn")), ("model", .text("m/\(model).safetensors")), ("lm", .null),
      ]
    }
    let figure = Figure(
      epsilon: table([
        point("a", "linf", 0, 100, 90), point("a", "linf", 0.1, 50, 10),
        point("b", "linf", 0, 100, 80), point("a", "l2", 1.5, 100, 20),
        point("a", "corruption", 3, 100, 60),
      ]))
    #expect(figure.panels.map(\.title) == ["ℓ∞", "ℓ2", "corruption"])
    #expect(
      figure.panels.map { $0.x.label.contains("pixel units") } == [true, true, false])
    #expect(series(figure).map(\.name) == ["a, n = 50 to 100", "b, n = 100"])
    #expect(series(figure)[0].points.map(\.y) == [90, 20])
    #expect(series(figure)[0].points.map(\.x) == [0, 0.1])
    #expect(series(figure, 1).map(\.color) == [0])
    #expect(figure.sources == ["01A", "01B"])
  }

  /// Level up to each radius, down at it by the images that have no larger one.
  @Test func certifiedAccuracyFallsInSteps() {
    let figure = Figure(certified: [
      .init(run: "01A", label: "cnn", radii: [0.5, 0, 0.25, 0.5]),
      .init(run: "01B", label: "dc", radii: [0.1, 0.3], attacked: [0.25: (0.5, 10)]),
    ])
    let lines = series(figure)
    #expect(lines.map(\.name) == ["cnn, n = 4", "dc, n = 2", "dc, attacked"])
    #expect(lines[0].points.map(\.x) == [0, 0.25, 0.25, 0.5, 0.5])
    #expect(lines[0].points.map(\.y) == [75, 75, 50, 50, 0])
    #expect(lines[1].points.map(\.y) == [100, 100, 50, 50, 0])
    #expect(
      lines[2].points.map(\.y) == [50] && near(lines[2].points[0].low, 23.659_309_051_256_4, 1e-6))
    #expect(lines.map(\.color) == [0, 1, 1] && figure.sources == ["01A", "01B"])
  }

  /// Differences 1, 2, 3 and 6 have mean 3, deviation √(14/3), t = 3.182 of three degrees.
  @Test func evidenceHasStudentsIntervals() {
    let figure = Figure(
      evidence: table([
        [
          ("timestep", .integer(0)), ("sigma", .real(0.5)), ("n", .integer(4)),
          ("true_class", .real(-1)), ("best_other", .real(-4)), ("difference", .real(3)),
          ("square", .real(12.5)),
        ]
      ]), run: "01A")
    #expect(series(figure).map { $0.points[0].y } == [-1, -4])
    let reach = 3.182_446_305_284_263 * (14.0 / 3).squareRoot() / 2
    let point = series(figure, 1)[0].points[0]
    #expect(near(point.low, 3 - reach) && near(point.high, 3 + reach))
    #expect(figure.caption[0].contains("sum to 3, the mean margin"))
  }

  @Test func evidenceOfAnImageIsHeldAgainstTheTrueClass() {
    let elbos = [[-3.0, -1, -2], [-5, -4, -7]]
    let rows = elbos.enumerated().flatMap { timestep, elbos in
      elbos.enumerated().map { one, elbo -> [(String, Cell)] in
        [
          ("timestep", .integer(Int64(timestep))), ("sigma", .real(Double(timestep) + 1)),
          ("class", .integer(Int64(one))), ("elbo", .real(elbo)), ("label", .integer(1)),
          ("predicted", .integer(1)),
        ]
      }
    }
    let figure = Figure(
      evidenceOfImage: table(rows), classes: ["cat", "dog", "cow"], image: 7, run: "01A")
    // The closest rival first: the cat lacks 3 in all, the cow 4.
    #expect(series(figure, 1).map(\.name) == ["cat, in all -3", "cow, in all -4"])
    #expect(series(figure).map { $0.points.map(\.y) } == [[-2, -1], [-1, -3]])
    #expect(series(figure, 1).map { $0.points.map(\.y) } == [[-2, -3], [-1, -4]])
  }

  @Test func trainingHasAPanelForEachQuantity() {
    func row(_ name: String, _ step: Int, _ value: Double, _ block: Int) -> [(String, Cell)] {
      [
        ("training", .text("01T")), ("name", .text(name)), ("step", .integer(Int64(step))),
        ("value", .real(value)), ("block", .integer(Int64(block))),
      ]
    }
    let trainings = table([
      [("id", .text("01T")), ("kind", .text("cnn")), ("model_path", .text("/x/m.safetensors"))]
    ])
    let figure = Figure(
      training: table([
        row("loss", 5, 2, 5), row("loss", 10, 0.1, 5), row("validation_accuracy", 10, 0.9, 1),
      ]), of: trainings)
    #expect(figure.panels.map(\.y.label) == ["loss", "accuracy (%)"])
    #expect(figure.panels.map(\.y.isLogarithmic) == [true, false])
    #expect(series(figure, 1)[0].points == [.init(10, 90)])
    #expect(series(figure)[0].name == "loss: cnn m  01T")
    #expect(figure.caption[0].contains("blocks of up to 5 steps"))
  }

  @Test func errorsAreHeldAgainstTheirMean() {
    let maps = [[[1.0], [2]], [[3.0], [0]]]
    func values(_ figure: Figure) -> [[[Double?]]] {
      figure.panels.compactMap { panel in
        if case .matrix(let matrix) = panel.content { matrix.values } else { nil }
      }
    }
    func figure(_ isContrast: Bool) -> Figure {
      Figure(
        errors: maps, image: [[0], [1]], classes: ["a", "b"], description: [],
        isContrast: isContrast, run: "01A")
    }
    #expect(values(figure(false)) == [[[0], [1]], [[1], [2]], [[3], [0]]])
    #expect(values(figure(true)) == [[[0], [1]], [[-1], [1]], [[1], [-1]]])
    #expect(figure(true).panels.map(\.title) == ["image", "a 3.00", "b 3.00"])
  }
}

@Suite struct LandscapeFigureTests {
  private let figure = Figure(
    landscape: [[-3, -1, 1], [-4, -2, 2], [-3, -1, 1]], budget: "8/255 linf",
    description: ["Image 7."], run: "01A")

  /// Rising steps go up and to the right; the scale is the same on both sides of the boundary.
  @Test func landscapesStandUpright() throws {
    guard case .matrix(let matrix) = figure.panels[0].content else {
      Issue.record("a landscape is a matrix")
      return
    }
    #expect(matrix.range == -4...4 && matrix.colors == .difference)
    #expect(matrix.rows == ["ε", "0", "−ε"] && matrix.columns == ["−ε", "0", "ε"])
    #expect(figure.caption[0] == "Image 7.")
    #expect(figure.caption[1].contains("from -4 at −ε by -2 at the image to 2 at ε"))
    #expect(figure.caption[1].contains("within -2 and -1"))
    #expect(figure.caption[2] == "3 of 9 points are misclassified.")
  }

  @Test func landscapesAreDrawn() {
    let text = figure.text(width: 80).joined(separator: "\n")
    #expect(text.contains("→ along the attack's gradient") && text.contains("↑ across"))
    let script = figure.gnuplot(.svg, output: nil)
    #expect(script.contains("set xlabel") && !script.contains("'images'"))
  }
}

@Suite struct FigureTextTests {
  private let confusion = Figure(
    confusion: ResultTable(
      columns: ["label", "predicted", "n"],
      rows: [
        [.integer(0), .integer(0), .integer(12)], [.integer(0), .integer(1), .integer(3)],
        [.integer(1), .integer(1), .integer(5)],
      ]), classes: ["hamster", "ox"], run: "01ABCDEFGHXYZ")

  @Test func confusionInText() {
    #expect(
      confusion.text(width: 60) == [
        "Confusion, n = 20 images", "",
        "            predicted class",
        "true class hams   ox",
        "hamster      12    3",
        "ox            ·    5", "",
        "Right: 17 of 20, 85.0 (64.0–94.8) % (95 %, Wilson).", "Run 01ABCDEFGH.",
      ])
  }

  @Test func linesInText() {
    let line = Figure.Series("loss", [.init(0, 10), .init(30, 0)], style: .joined, mark: "x")
    let figure = Figure(
      "Curve", panels: [.init(x: .init("step"), y: .init("loss"), .series([line]))],
      caption: ["One two three four five six."], sources: [])
    let lines = figure.text(width: 30)
    #expect(lines.first == "Curve" && lines.suffix(1) == ["One two three four five six."])
    let plot = lines.dropFirst(2).prefix(18).map { String($0) }
    #expect(plot.first == "     10 ┤x                   ")
    #expect(plot[14] == "      0 ┤                   x")
    #expect(plot[7].contains("·"))
    #expect(lines.contains("        x  loss"))
  }

  @Test func picturesStandSideBySide() {
    let maps = [[[0.0, 1], [0, 1]], [[1.0, 1], [1, 1]]]
    let lines = Figure(
      errors: maps, image: [[0, 0], [1, 1]], classes: ["a", "b"], description: ["What."],
      run: "01A"
    ).text(width: 40)
    #expect(lines[2...3] == ["image  a 2.00 b 4.00", "++      @     @@"])
    #expect(lines.contains("' ' to '@': 0 to 1."))
  }
}
