import Foundation
import Records

/// Which losses a record holds, where images differ in that: the column `places` of `loss_blob`.
///
/// Losses in the order of `[draw][timestep][class]`, timesteps those of the run's whole grid, have
/// bits. A row is a draw and a timestep: the first four bytes are the number of rows up to the last
/// that has a loss, an Int32; then comes a bit for each row, set where it has any; then, from the next
/// byte on, a bit for each class of each row that has. The first of eight is the lowest bit of a byte.
/// Others, and those whose bits would need no less room, have three Int32 each: draw, timestep, class.
/// Twelve bytes a loss are those.
enum LossPlaces {
  /// A loss's place.
  typealias Place = (draw: Int, timestep: Int, label: Int)

  /// Bits of `losses`, in a run of so many timesteps and classes; nil where they have three numbers
  /// each.
  static func bits(of losses: [LossRecord.Loss], timesteps: Int, classes: Int) -> [UInt8]? {
    func row(_ loss: LossRecord.Loss) -> Int { loss.draw * timesteps + loss.timestep }
    let fits = losses.allSatisfy {
      0..<1 << 31 ~= $0.draw && 0..<timesteps ~= $0.timestep && 0..<classes ~= $0.label
    }
    guard fits, let last = losses.last, row(last) < 96 * losses.count else { return nil }
    let rows = row(last) + 1
    let start = 4 + (rows + 7) / 8
    var bits = withUnsafeBytes(of: Int32(rows).littleEndian) { Array($0) }
    bits += [UInt8](repeating: 0, count: start - 4)
    var (known, previous) = (0, (row: -1, label: -1))
    for loss in losses {
      let row = row(loss)
      guard row < rows, (row, loss.label) > previous else { return nil }
      if row > previous.row {
        bits[4 + row / 8] |= 1 << (row % 8)
        known += 1
        let size = start + (known * classes + 7) / 8
        guard size < 12 * losses.count else { return nil }
        bits += [UInt8](repeating: 0, count: size - bits.count)
      }
      let bit = (known - 1) * classes + loss.label
      bits[start + bit / 8] |= 1 << (bit % 8)
      previous = (row, loss.label)
    }
    return bits
  }

  /// Draw, timestep and class of each loss; nil where `data` are not the places of so many.
  static func places(_ data: Data, count: Int, timesteps: Int, classes: Int) -> [Place]? {
    let bytes = [UInt8](data)
    if bytes.count == 12 * count {
      let numbers = Blob.integers(data)
      guard numbers.allSatisfy({ $0 >= 0 }) else { return nil }
      return (0..<count).map { (numbers[3 * $0], numbers[3 * $0 + 1], numbers[3 * $0 + 2]) }
    }
    guard timesteps > 0, classes > 0, bytes.count > 4 else { return nil }
    let rows = Blob.integers(data.prefix(4))[0]
    guard rows > 0, rows <= 8 * (bytes.count - 4) else { return nil }
    func isSet(_ start: Int, _ bit: Int) -> Bool { bytes[start + bit / 8] >> (bit % 8) & 1 == 1 }
    let present = (0..<rows).filter { isSet(4, $0) }
    let start = 4 + (rows + 7) / 8
    guard bytes.count == start + (present.count * classes + 7) / 8 else { return nil }
    var places: [Place] = []
    places.reserveCapacity(count)
    for (index, row) in present.enumerated() {
      for label in 0..<classes where isSet(start, index * classes + label) {
        places.append((row / timesteps, row % timesteps, label))
      }
    }
    return places.count == count ? places : nil
  }
}
