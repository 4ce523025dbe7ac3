/// How a gradient is asked for, apart from what it is the gradient of.
public struct GradientDemand: Hashable, Sendable {
  /// Classes whose coefficients will likely not be 0, the likeliest first: their forward passes are
  /// kept for the way back. What is found does not depend on them.
  public var expected: [Int]
  /// A class whose |c_k| is below this share of the largest costs no backward pass where classes have
  /// passes of their own.
  public var negligible: Double

  /// The demand as given.
  public init(expecting expected: [Int] = [], neglecting negligible: Double = 0) {
    (self.expected, self.negligible) = (expected, negligible)
  }

  /// c without the classes that weigh too little.
  ///
  /// Their weight goes to the class of the largest: most of a gradient is common to all classes, and
  /// keeps its weight so, which is 0 in all of an attack's losses that compare classes.
  func settled(_ c: [Double]) -> [Double] {
    guard let first = c.indices.max(by: { c[$0].magnitude < c[$1].magnitude }) else { return c }
    var settled = c
    for k in c.indices where c[k].magnitude < negligible * c[first].magnitude {
      settled[first] += c[k]
      settled[k] = 0
    }
    return settled
  }

  /// The classes that weigh something in c, the heaviest first.
  public func weighed(_ c: [Double]) -> [Int] {
    let settled = settled(c)
    return settled.indices.filter { settled[$0] != 0 }
      .sorted { (settled[$0].magnitude, $1) > (settled[$1].magnitude, $0) }
  }
}
