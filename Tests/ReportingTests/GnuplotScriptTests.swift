import Basics
import Reporting
import Testing

@Suite struct GnuplotScriptTests {
  private func figure(_ title: String = "It's 5 %") -> Figure {
    Figure(
      title,
      panels: [
        .init(
          x: .init("cost", isLogarithmic: true), y: .init("accuracy (%)", isPercent: true),
          .series([
            .init("one", [.init(10, 80, 70, 90)], style: .points, mark: "A", color: 0),
            .init("", [.init(10, 80), .init(100, 80)], style: .steps, color: 0),
          ]))
      ], caption: ["n = 5."], sources: ["01A", "01B"])
  }

  @Test func scriptsHoldEverything() {
    let lines = figure().gnuplot(.svg, output: "a'b.svg").split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(11) == [
        "# It's 5 %", "# Sources: 01A 01B", "set encoding utf8",
        "set terminal svg size 708,550 dynamic font 'sans-serif,13' background '#ffffff' "
          + "noenhanced", "set output \"a'b.svg\"", "$p0_0 << EOD", "10 80 70 90", "EOD",
        "$p0_1 << EOD", "10 80 80 80", "100 80 80 80",
      ])
    #expect(lines.contains("set logscale x") && lines.contains("unset logscale y"))
    #expect(lines.contains("set yrange [70:90]"))
    #expect(lines.contains { $0.hasPrefix("set label 1 \"It's 5 %\" at screen") })
    #expect(lines.contains { $0.hasPrefix("set label 2 'n = 5.' at screen") })
    #expect(
      lines.contains(
        "plot $p0_0 using 1:2:3:4 with yerrorbars lc rgb '#0072b2' pt 7 ps 1 lw 1.2 "
          + "title 'A  one', $p0_0 using 1:2:('A') with labels offset 0.9,0.6 tc rgb '#0072b2' "
          + "notitle, \\"))
    #expect(lines.suffix(2) == ["unset multiplot", "unset output"])
  }

  @Test(arguments: [
    (Figure.ImageFormat.png, "pngcairo size 1416,1100"), (.pdf, "pdfcairo size 7.08in,5.5in"),
  ])
  func terminals(format: Figure.ImageFormat, terminal: String) {
    #expect(figure().gnuplot(format, output: nil).contains("set terminal \(terminal)"))
  }

  /// A title cannot leave its comment or its quotes.
  @Test func titlesAreNotCommands() {
    let script = figure("a\nset output 'x'").gnuplot(.svg, output: nil)
    #expect(!script.split(separator: "\n").contains { $0.hasPrefix("set output") })
  }

  @Test func imagesSayWhatTheyShow() {
    let svg = "<svg>\n<title>Gnuplot</title>\n<desc>Produced by GNUPLOT 5 </desc>\n</svg>"
    #expect(
      figure("a < b").described(svg: svg)
        == "<svg>\n<title>a &lt; b</title>\n<desc>n = 5. Sources: 01A 01B</desc>\n</svg>")
  }
}
