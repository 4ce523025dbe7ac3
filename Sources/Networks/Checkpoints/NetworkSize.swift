/// One size of a network.
public struct NetworkSize: Sendable {
  /// As files spell it.
  let name: String
  /// One, or some where there is a list.
  let values: [Int]
  /// Least and greatest.
  let range: ClosedRange<Int>
  /// How many there may be.
  let count: ClosedRange<Int>

  /// A size that there is one of.
  init(_ name: String, _ value: Int, _ range: ClosedRange<Int>) {
    (self.name, values, self.range, count) = (name, [value], range, 1...1)
  }

  /// Sizes in a list.
  init(_ name: String, _ values: [Int], _ range: ClosedRange<Int>, count: ClosedRange<Int>) {
    (self.name, self.values, self.range, self.count) = (name, values, range, count)
  }

  /// What is wrong, nil where nothing is.
  var problem: String? {
    if !count.contains(values.count) {
      return "has \(values.count) \(name), expected \(count.lowerBound) to \(count.upperBound)"
    }
    return values.first { !range.contains($0) }.map {
      "has \(name) \($0), expected \(range.lowerBound) to \(range.upperBound)"
    }
  }
}
