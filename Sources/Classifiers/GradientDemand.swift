/// How a gradient is asked for, apart from what it is the gradient of.
public struct GradientDemand: Hashable, Sendable {
  /// Classes that are not asked for a loss.
  public struct Absence: Hashable, Sendable {
    /// The class that the others' logits are told by; it is asked for.
    public var reference: Int
    /// logit_k − logit_reference of each absent class k, as it was known before.
    public var gaps: [Int: Double]

    /// The classes of `gaps`.
    public init(from reference: Int, gaps: [Int: Double]) {
      (self.reference, self.gaps) = (reference, gaps)
    }
  }

  /// Classes whose coefficients will likely not be 0, the likeliest first: their forward passes are
  /// kept for the way back. What is found does not depend on them.
  public var expected: [Int]
  /// A class whose |c_k| is below this share of the largest costs no backward pass where classes have
  /// passes of their own.
  public var negligible: Double
  /// Classes that cost no pass at all where classes have passes of their own; nil: none.
  public var absence: Absence?
  /// Whether every class is asked for every timestep that the strategy may come to, whatever it would
  /// drop on the way: its choice does not hide then what a class would have answered.
  public var asksAll: Bool

  /// The demand as given.
  public init(
    expecting expected: [Int] = [], neglecting negligible: Double = 0,
    without absence: Absence? = nil,
    askingAll asksAll: Bool = false
  ) {
    (self.expected, self.negligible) = (expected, negligible)
    (self.absence, self.asksAll) = (absence, asksAll)
  }

  /// c without the classes that weigh too little or were not asked for.
  ///
  /// Their weight goes to the class of the largest: most of a gradient is common to all classes, and
  /// keeps its weight so, which is 0 in all of an attack's losses that compare classes.
  func settled(_ c: [Double]) -> [Double] {
    guard let first = c.indices.max(by: { c[$0].magnitude < c[$1].magnitude }) else { return c }
    var settled = c
    for k in c.indices
    where k != first
      && (c[k].magnitude < negligible * c[first].magnitude || absence?.gaps[k] != nil)
    {
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
