import Basics
import Foundation
import Records
import Reporting
import Statistics
import Testing

/// Plots in terminals of any width, and with names that others chose.
@Suite struct FigureWidthTests {
  private static let names = [
    "a long name of a run that differs in its end only, η = 0.1", "short",
    "\u{1B}[2J\nx\u{202E}'\u{301}",
  ]

  private static var scatter: Figure {
    Figure(
      "Accuracy against compute, n = 100 images of fashion-mnist test, under several attacks",
      panels: [
        .init(
          "A panel's title that is longer than a narrow terminal is wide",
          x: .init("network evaluations an image (NFE)", isLogarithmic: true),
          y: .init("accuracy (%)", isPercent: true),
          .series(
            names.enumerated().map { index, name in
              .init(
                "\(name)  01ABCDEFG\(index)", [.init(pow(10, Double(index)), 80, 70, 90)],
                style: .points, color: index)
            }))
      ], caption: ["Runs " + String(repeating: "01ABCDEFGHJK,", count: 9)], sources: names)
  }

  private static var confusion: Figure {
    let classes =
      ["T-shirt/top", "Trouser", "Pullover", "100%d", "Coat", "Sandal", "Shirt"]
      + ["Sneaker", "a\u{1B}b", "A rather long name of a class"]
    let cells = classes.indices.map { i -> [Cell] in
      [.integer(Int64(i)), .integer(Int64((i * 3) % 10)), .integer(Int64(100 * i))]
    }
    return Figure(
      confusion: ResultTable(columns: ["label", "predicted", "n"], rows: cells), classes: classes,
      run: "01ABCDEFGHXYZ")
  }

  @Test(arguments: [30, 40, 60, 80, 120, 200])
  func nothingWraps(width: Int) {
    for figure in [Self.scatter, Self.confusion] {
      let lines = figure.text(width: width)
      #expect(lines.allSatisfy { $0.cellWidth <= width })
      #expect(!lines.joined().unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
    // The end of a name, where the run is, is seen.
    #expect(Self.scatter.text(width: width).contains { $0.hasSuffix("01ABCDEFG0") })
  }

  /// Columns that find no room stand below the others.
  @Test func matricesAreBroken() {
    let lines = Self.confusion.text(width: 40)
    #expect(lines.count { $0.contains("predicted class") } == 2)
    #expect(lines.contains { $0.hasSuffix("Trou Pull 100% Coat") })
    let digits = lines.joined(separator: " ").split(separator: " ").filter { $0 == "900" }
    #expect(digits.count == 1)
  }

  @Test(arguments: [40, 80])
  func tradeOffsFit(width: Int) {
    let rows = Self.names.enumerated().map { index, name -> [Cell] in
      [
        .text("01ABCDEFG\(index)"), .text(name), .real(0.8), .integer(80), .integer(100),
        .real(Double(10 * index + 10)), .real(0),
      ]
    }
    let lines = RunSummary.tradeOff(
      ResultTable(
        columns: [
          "id", "name", "accuracy", "n_correct", "n_done", "nfe_per_image", "gradients_per_image",
        ], rows: rows), width: width)
    #expect(lines.count > 15 && lines.allSatisfy { $0.cellWidth <= width })
    #expect(lines.contains { $0.hasSuffix("B  short") || $0.hasSuffix("b  short") })
  }

  /// Nothing in a name is a statement, or a number's format, to gnuplot.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot")))
  func gnuplotTakesNamesAsNames() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "elbow-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let trace = folder.appending(path: "trace").path(percentEncoded: false)
    let attempts = [
      "'\u{301}; system 'touch \(trace)'; '", "\n!touch \(trace)\n", "`touch \(trace)`",
      "\" ; system \"touch \(trace)\"",
      "'' ''' ; system(\"touch \(trace)\") ; '", "\\",
    ]
    var figure = Self.confusion
    figure.title = attempts.joined() + " <b>&"
    figure.caption = attempts
    figure.sources = attempts
    // A tab in a file's name is part of it.
    let image = folder.appending(path: "a\tb'`$.svg").path(percentEncoded: false)
    for one in [figure, Self.scatter] {
      let script = folder.appending(path: "script")
      try Data(one.gnuplot(.svg, output: image).utf8).write(to: script)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/gnuplot")
      process.arguments = [script.path(percentEncoded: false)]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(!FileManager.default.fileExists(atPath: trace))
      let svg = try String(contentsOf: URL(fileURLWithPath: image), encoding: .utf8)
      if one == figure {
        #expect(svg.contains("100%d") && svg.contains("a\\u{1B}b") && !svg.contains("<b>"))
      }
      let allowed = one.described(svg: svg).unicodeScalars.allSatisfy {
        $0.value >= 0x20 || $0 == "\n" || $0 == "\t" || $0 == "\r"
      }
      #expect(allowed)
    }
  }
}
