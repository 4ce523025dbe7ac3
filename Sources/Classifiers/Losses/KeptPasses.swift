import Networks

/// Evaluations of one look at an image whose forward passes are kept for their gradients, in groups
/// that go through the network together.
///
/// Groups are made between loops over the workers, not within.
final class KeptPasses: @unchecked Sendable {
  /// One evaluation: of a class or, nil, of all that were asked for at once.
  struct Place: Hashable {
    var timestep, draw: Int
    var label: Int?
  }

  /// A place in a group, with where its losses go in the answer to a request.
  struct Cell {
    var place: Place
    var row: Int
    var columns: [Int]
    var labels: [Int]
  }

  /// Evaluations that go through the network together, used by one worker at a time.
  struct Group: @unchecked Sendable {
    let evaluations: any KeptEvaluations
    let cells: [Cell]
  }

  /// Evaluations a group: more gain little.
  static let groupSize = 8
  /// What the passes kept of one image may take; those beyond it are computed again.
  private static let mostBytes = 40 << 20

  private let pool: DenoiserPool
  private let expected: [Int]
  private var room: Int
  /// So far.
  private(set) var groups: [Group] = []

  /// - Parameter expected: classes to keep where each has passes of its own, the first first.
  /// - Returns: nil where the denoiser keeps nothing, or less than a group.
  init?(_ pool: DenoiserPool, expecting expected: [Int]) {
    guard let bytes = pool.denoiser.keptBytes, bytes * Self.groupSize <= Self.mostBytes else {
      return nil
    }
    (self.pool, self.expected) = (pool, expected)
    room = Self.mostBytes / max(bytes, 1)
  }

  deinit { for group in groups { pool.giveBack(group.evaluations) } }

  /// The groups for what is kept of a request for losses: all of it where classes share passes, else
  /// the expected classes', as far as there is room.
  func groups(
    classes: [Int], timesteps: [Int], draw: Int, sharingEvaluations: Bool
  ) -> [Group] {
    let wanted: [(label: Int?, columns: [Int])] =
      sharingEvaluations
      ? [(nil, Array(classes.indices))]
      : expected.compactMap { label in classes.firstIndex(of: label).map { (label, [$0]) } }
    let first = groups.count
    for (label, columns) in wanted {
      let rows = min(timesteps.count, room)
      room -= rows
      // Groups of one class each: a class that turns out to weigh nothing costs nothing more.
      for part in equalParts(of: rows, atMost: Self.groupSize) {
        guard let evaluations = pool.borrow() else { continue }
        groups.append(
          Group(
            evaluations: evaluations,
            cells: part.map { row in
              Cell(
                place: Place(timestep: timesteps[row], draw: draw, label: label), row: row,
                columns: columns, labels: columns.map { classes[$0] })
            }))
      }
    }
    return Array(groups[first...])
  }
}

/// `0 ..< count` in as few parts as hold at most so many, of lengths that differ by at most one.
func equalParts(of count: Int, atMost most: Int) -> [Range<Int>] {
  let parts = (count + most - 1) / most
  return (0..<parts).map { $0 * count / parts..<($0 + 1) * count / parts }
}
