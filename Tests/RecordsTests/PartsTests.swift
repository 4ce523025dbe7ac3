import Basics
import Testing

@Suite struct PartsTests {
  /// Around the size from which parts are made, and where they are not equally long.
  @Test(arguments: [0, 1, 15, 16, 17, 31, 1000])
  func partsKeepTheOrder(count: Int) {
    let values = Array(0..<count)
    #expect(values.mapInParts(of: 8) { "\($0)" } == values.map { "\($0)" })
  }
}
