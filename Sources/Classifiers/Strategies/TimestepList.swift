import Basics
import Records
import TensorCore

/// Timesteps of a grid in the order that they are asked for, each with a factor on its weight.
///
/// Spelled `12*3.1+30+55*0.2`: index, and factor where it is not 1.
public struct TimestepList: Hashable, Sendable {
  /// One of the timesteps.
  public struct Step: Hashable, Sendable {
    /// Index in the grid.
    public var index: Int
    /// Factor on ω(σ)·Δσ, > 0.
    public var factor: Double

    /// The step as given.
    public init(index: Int, factor: Double) {
      precondition(index >= 0 && factor > 0, "timestep \(index) with factor \(factor)")
      (self.index, self.factor) = (index, factor)
    }
  }

  /// In order.
  public let steps: [Step]

  /// Steps as given, each index once.
  public init(_ steps: [Step]) {
    precondition(
      Set(steps.map(\.index)).count == steps.count, "a timestep stands twice in \(steps)")
    self.steps = steps
  }

  /// Reads a spelling; nil where it is none, or names a timestep twice.
  public init?(_ text: some StringProtocol) {
    var steps: [Step] = []
    for part in text.split(separator: "+", omittingEmptySubsequences: false) {
      let numbers = part.split(separator: "*", omittingEmptySubsequences: false)
      guard let index = numbers.first.flatMap({ Int($0) }), index >= 0, numbers.count <= 2,
        let factor = numbers.count == 2 ? Double(numbers[1]) : 1, factor > 0, factor.isFinite,
        !steps.contains(where: { $0.index == index })
      else { return nil }
      steps.append(Step(index: index, factor: factor))
    }
    guard !steps.isEmpty else { return nil }
    self.steps = steps
  }

  /// Canonical spelling. Exponents have no plus, which separates timesteps.
  public var spelling: String {
    steps.map { step in
      let factor = JSONValue.canonical(number: step.factor).replacing("e+", with: "e")
      return step.factor == 1 ? "\(step.index)" : "\(step.index)*\(factor)"
    }
    .joined(separator: "+")
  }

  /// Factor of a timestep, 1 where it is not in the list.
  public func factor(of timestep: Int) -> Double {
    steps.first { $0.index == timestep }?.factor ?? 1
  }
}

/// Listed timesteps for every class, as they are learnt from recorded losses.
public struct ListedSubset: SamplingStrategy {
  /// The timesteps.
  public let list: TimestepList

  /// Asks for `list`.
  public init(list: TimestepList) { self.list = list }

  public var spelling: String { "subset:\(list.spelling)" }

  public func sharedTimesteps(of count: Int) -> [Int]? { list.steps.map(\.index).sorted() }

  public func largestSubset(of count: Int) -> Int { list.steps.count }

  public func factor(asked: Int, of count: Int) -> Double { 1 }

  public func emphasis(of timestep: Int) -> Double { list.factor(of: timestep) }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    try ledger.ask(classes: ledger.allClasses, timesteps: list.steps.map(\.index).sorted())
  }
}
