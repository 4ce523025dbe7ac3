import Records
import TensorCore

/// T′ evenly spaced timesteps, one at a time from coarse to fine; a class is dropped as soon as its
/// cumulative weighted loss exceeds the leader's by τ, the survivors get all T′.
///
/// The losses are counted as they enter the logit (weights, reduction, scale; the prior's logarithm
/// is taken off), without the factor T/T′: τ has the unit of the recorded ELBOs, and the difference
/// grows with every timestep asked for. Every power of two of timesteps is evenly spaced in itself.
///
/// **Source** the sift-and-refine of Chen et al. 2024 (arXiv 2402.02316), its two passes in one.
public struct Sifting: SamplingStrategy {
  /// τ, in units of logits.
  public let threshold: Double
  /// T′.
  public let size: Int

  public var spelling: String {
    "sift:\(JSONValue.canonical(number: threshold)),\(size)"
  }

  public func largestSubset(of count: Int) -> Int { size }

  public func factor(asked: Int, of count: Int) -> Double { Double(count) / Double(asked) }

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

  /// The timesteps, from coarse to fine.
  private func order(of count: Int) -> [Int] {
    var sizes = [size]
    var power = 1
    while power < size {
      sizes.insert(power, at: sizes.count - 1)
      power *= 2
    }
    return SuccessiveHalving.nestedOrder(sizes, of: count)
  }
}
