import Basics
import Records
import TensorCore

/// T′ timesteps one at a time, evenly spaced ones from coarse to fine or listed ones; a class is
/// dropped as soon as its cumulative weighted loss exceeds the leader's by τ, the survivors get all T′.
///
/// The losses are counted as they enter the logit (weights, reduction, scale; the prior's logarithm
/// is taken off), without the factor T/T′: τ has the unit of the recorded ELBOs, and the difference
/// grows with every timestep asked for. Every power of two of even timesteps is evenly spaced in
/// itself.
///
/// **Source** the sift-and-refine of Chen et al. 2024 (arXiv 2402.02316), its two passes in one.
public struct Sifting: SamplingStrategy {
  public var stopsByLosses: Bool { true }

  /// What is asked of a class that stays.
  public enum Subset: Hashable, Sendable {
    /// T′ evenly spaced timesteps.
    case even(Int)
    /// These, in this order.
    case listed(TimestepList)
  }

  /// τ, in units of logits.
  public let threshold: Double
  /// The timesteps.
  public let subset: Subset

  /// Sifts at `threshold`, > 0, over `subset`.
  public init(threshold: Double, subset: Subset) {
    (self.threshold, self.subset) = (threshold, subset)
  }

  public var spelling: String {
    let steps =
      switch subset {
      case .even(let size): "\(size)"
      case .listed(let list): list.spelling
      }
    return "sift:\(JSONValue.canonical(number: threshold)),\(steps)"
  }

  public func largestSubset(of count: Int) -> Int { order(of: count).count }

  public func factor(asked: Int, of count: Int) -> Double {
    switch subset {
    case .even: Double(count) / Double(asked)
    case .listed: 1
    }
  }

  public func emphasis(of timestep: Int) -> Double {
    switch subset {
    case .even: 1
    case .listed(let list): list.factor(of: timestep)
    }
  }

  public func sample(_ ledger: inout LossLedger, random: inout RandomStream) throws {
    var classes = ledger.allClasses
    var totals = classes.map { -ledger.logPrior(of: $0) }
    for timestep in order(of: ledger.gridSize) {
      let losses = try ledger.ask(classes: classes, timesteps: [timestep])
      for (label, loss) in zip(classes, losses) { totals[label] += loss }
      let best = classes.map { totals[$0] }.min() ?? 0
      classes.removeAll { totals[$0] > best + threshold }
      // One class left has won, whatever its other losses are.
      if classes.count == 1 { break }
    }
    ledger.eliminateAll(except: classes)
  }

  private func order(of count: Int) -> [Int] {
    switch subset {
    case .listed(let list): return list.steps.map(\.index)
    case .even(let size):
      var sizes = [size]
      var power = 1
      while power < size {
        sizes.insert(power, at: sizes.count - 1)
        power *= 2
      }
      return SuccessiveHalving.nestedOrder(sizes, of: count)
    }
  }
}
