/// Vectors that different workers add to, and their sum in a fixed order.
final class LaneSums: @unchecked Sendable {
  let count: Int
  private let length: Int
  // Each lane is added to by one worker at a time.
  private let sums: UnsafeMutableBufferPointer<Double>

  init(count: Int, length: Int) {
    self.count = count
    self.length = length
    sums = .allocate(capacity: count * length)
    sums.initialize(repeating: 0)
  }

  deinit { sums.deallocate() }

  func add(_ values: [Float], times factor: Double, to lane: Int) {
    for i in 0..<length { sums[lane * length + i] += factor * Double(values[i]) }
  }

  /// Sum of all lanes, lane 0 first.
  var total: [Double] {
    (0..<length).map { i in (0..<count).reduce(0) { $0 + sums[$1 * length + i] } }
  }
}
