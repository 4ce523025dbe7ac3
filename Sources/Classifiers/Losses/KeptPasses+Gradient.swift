import Networks
import Synchronization

extension KeptPasses {
  /// Gradients held at once besides those of the passes kept.
  private static let waveSize = 256

  /// Σ coefficient·∂ℓ/∂x over `terms`, in model units.
  ///
  /// Where a term's forward pass was kept it is used, else computed again. The sum is taken in the
  /// order of the terms, so that it depends neither on that nor on the threads.
  func sumOfGradients(
    _ terms: [GradientTerm], of source: ModelLossSource
  ) throws -> [Double] {
    let found = Mutex<[Int: [Float]]>([:])
    let shares = source.sharesEvaluations
    let numbers = Dictionary(
      uniqueKeysWithValues: terms.enumerated().map { ($1.place(sharingEvaluations: shares), $0) })

    @Sendable func differentiate(_ cells: [Cell], _ evaluations: any KeptEvaluations) {
      let own = cells.map { numbers[$0.place] }
      evaluations.differentiate { index, residuals in
        let term = own[index].map { terms[$0] }
        source.cotangent(of: term, labels: cells[index].labels).replaceAll(&residuals)
      } _: { index, gradient in
        guard let number = own[index] else { return }
        found.withLock { $0[number] = gradient.withUnsafeBufferPointer { Array($0) } }
      }
    }

    let ready = groups.filter { $0.cells.contains { numbers[$0.place] != nil } }
    try source.pool.forEach(ready.count) { index, _ in
      differentiate(ready[index].cells, ready[index].evaluations)
    }
    var total = [Double](repeating: 0, count: source.image.count)
    for first in stride(from: 0, to: terms.count, by: Self.waveSize) {
      let wave = first..<min(first + Self.waveSize, terms.count)
      let missing = found.withLock { found in wave.filter { found[$0] == nil } }
      let parts = equalParts(of: missing.count, atMost: Self.groupSize)
      try source.pool.forEach(parts.count) { part, slot in
        guard let evaluations = source.pool.borrow() else { return }
        defer { source.pool.giveBack(evaluations) }
        let cells = parts[part].map { Cell(terms[missing[$0]], sharingEvaluations: shares) }
        evaluations.keep(cells.map { source.query(of: $0, slot) }) { _, _ in }
        differentiate(cells, evaluations)
      }
      for number in wave {
        guard let gradient = found.withLock({ $0.removeValue(forKey: number) }) else { continue }
        let scale = terms[number].largest
        for i in total.indices { total[i] += scale * Double(gradient[i]) }
      }
    }
    return total
  }
}

extension KeptPasses.Cell {
  /// An evaluation whose losses nobody asks for again.
  init(_ term: GradientTerm, sharingEvaluations: Bool) {
    self.init(
      place: term.place(sharingEvaluations: sharingEvaluations), row: 0, columns: [],
      labels: term.labels)
  }
}

extension GradientTerm {
  /// Where its evaluation is kept.
  func place(sharingEvaluations: Bool) -> KeptPasses.Place {
    KeptPasses.Place(
      timestep: timestep, draw: draw, label: sharingEvaluations ? nil : labels[0])
  }
}

extension ModelLossSource {
  /// v of a term, up to its largest coefficient, for the residuals of `labels`; 0 without a term.
  func cotangent(of term: GradientTerm?, labels: [Int]) -> ResidualCotangent {
    let unit: Float = plan.configuration.loss == .squared ? 2 : 1
    let factors = labels.map { label -> Float in
      guard let term, let index = term.labels.firstIndex(of: label) else { return 0 }
      return unit * Float(term.coefficients[index] / term.largest)
    }
    return ResidualCotangent(
      plan.configuration.loss == .squared ? .residual : .sign, factors: factors)
  }

  /// What is evaluated at a place, on noise that `slot` draws.
  func query(of cell: KeptPasses.Cell, _ slot: DenoiserPool.Slot) -> DenoisingQuery {
    query(slot, timestep: cell.place.timestep, draw: cell.place.draw, labels: cell.labels)
  }
}
