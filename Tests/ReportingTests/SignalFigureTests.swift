import Records
import Reporting
import Testing

/// Figures of signals, images of one row.
@Suite struct SignalFigureTests {
  private func series(_ figure: Figure, _ panel: Int = 0) -> [Figure.Series] {
    if case .series(let series) = figure.panels[panel].content { series } else { [] }
  }

  /// What has one row is a signal: its errors are curves, in one panel.
  @Test func errorsOfSignalsAreCurves() {
    let figure = Figure(
      errors: [[[1, 2, 0]], [[3, 0, 1]]], image: [[0, 1, 0.5]], classes: ["a", "b"],
      description: [], run: "01A")
    #expect(figure.panels.map(\.title) == ["image", ""])
    #expect(series(figure, 1).map(\.name) == ["a 3.00", "b 4.00"])
    #expect(series(figure, 1)[1].points.map(\.y) == [3, 0, 1])
    let pair = Figure(
      errorPairs: [(0.5, [[1, 2, 0]], [[3, 0, 1]])], classes: ["a", "b"], description: [],
      run: "01A")
    #expect(series(pair).map(\.points.count) == [3, 3, 3])
    #expect(series(pair)[2].points.map(\.y) == [-2, 2, -1])
  }

  /// In the data's unit, clean and changed; pictures are pixels.
  @Test func imagesAreDrawnAsWhatTheyAre() {
    let limits = ValueLimits(low: -2, high: 2)
    let signal = Figure(
      image: [[[0, 0.5, 1]]], final: [[[0, 0.75, 1]]], limits: limits, title: "image 3", run: "01A")
    #expect(series(signal).map(\.name) == ["clean", "as it was classified"])
    #expect(series(signal)[1].points.map(\.y) == [-2, 1, 2])
    #expect(signal.caption[0].contains("from -2 to 2"))
    let picture = Figure(
      image: [[[0, 1], [1, 0]], [[0, 0], [1, 1]]], final: nil, limits: nil, title: "image 3",
      run: "01A")
    guard case .matrix(let matrix) = picture.panels[0].content else {
      Issue.record("a picture is a matrix")
      return
    }
    #expect(matrix.values == [[0, 0.5], [1, 0.5]])
  }
}
