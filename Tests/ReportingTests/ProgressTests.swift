import Basics
import Reporting
import Testing

/// How far work has come, on one line.
@Suite struct ProgressTests {
  private static let attacked: WorkUpdate = {
    var update = WorkUpdate("lm paper progress probe with a long name", 0, of: 2, "images")
    (update.part, update.within, update.later) = (0.35, "attack 35 %", 60)
    update.remarks = ["accuracy 88.0 %"]
    return update
  }()

  @Test func everything() {
    #expect(
      Self.attacked.line(after: 5.4) == "lm paper progress probe with a long name  0/2 images  "
        + "attack 35 %  0.0648/s  0:25 left  1:25 of all  accuracy 88.0 %")
    #expect(WorkUpdate("run", 1, of: 1, "images").line(after: 3) == "run  1/1 image  in 0:03")
    #expect(WorkUpdate("a\nb", 3, of: nil, "rows").line(after: 2) == "a␊b  3 rows  1.50/s")
  }

  /// The name gives way first; rate and time left are there at every width that has room for them.
  @Test(arguments: 24...140)
  func rateAndTimeStay(width: Int) {
    let line = Self.attacked.line(after: 5.4, width: width)
    #expect(line.cellWidth <= width)
    #expect(width < 34 || line.contains("  0.0648/s  0:25 left"), "\(line)")
    #expect(width < 79 || line.contains("  accuracy 88.0 %"), "\(line)")
    #expect(width < 34 || line.contains("name") || line.hasPrefix("lm paper pr…"), "\(line)")
    // What is missed least goes whole: nothing is cut but the name.
    #expect(width < 34 || line.drop { $0 != "…" }.dropFirst().contains("…") == false)
  }
}
