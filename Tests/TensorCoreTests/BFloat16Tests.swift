import CKernels
import Foundation
import TensorCore
import Testing

/// Products of bfloat16: whatever computes them must agree with sums in Double of the rounded operands.
@Suite struct BFloat16Tests {
  static let names = BFloat16.available.map(\.name)

  /// Rounded values and their exact products.
  private struct Case {
    let (rows, terms, depth, outputs): (Int, Int, Int, Int)
    var a: [UInt16] = []
    var b: [UInt16] = []

    /// Rows of A from one term to the next.
    private static let neighbour = 5

    /// `rows` of A, room for a multiple of 16 and further terms; B in panels.
    init(rows: Int, terms: Int = 1, depth: Int, outputs: Int) {
      (self.rows, self.terms, self.depth, self.outputs) = (rows, terms, depth, outputs)
      let room = (rows + 15) / 16 * 16 + (terms - 1) * Self.neighbour
      a = (0..<room * depth).map { BFloat16.rounded(Float(($0 * 37) % 101) / 50 - 1) }
      b = (0..<terms * depth * outputs).map { BFloat16.rounded(Float(($0 * 53) % 97) / 48 - 1) }
    }

    func value(_ r: Int, _ o: Int) -> Double {
      let panel = o / 32 * 32
      let width = min(32, outputs - panel)
      return (0..<terms * depth).reduce(0) { sum, i in
        let (term, channel) = i.quotientAndRemainder(dividingBy: depth)
        let place = panel * terms * depth + (i / 2 * width + o - panel) * 2 + i % 2
        let value = a[(r + term * Self.neighbour) * depth + channel]
        return sum + Self.widened(value) * Self.widened(b[place])
      }
    }

    static func widened(_ half: UInt16) -> Double {
      Double(Float(bitPattern: UInt32(half) << 16))
    }

    /// C, the rows that count, panel by panel, of the second of two positions, between which there are
    /// gaps.
    func products(_ multiply: (UnsafePointer<kernel_products>) -> Void) -> [Float] {
      let a = [UInt16](repeating: 0x3f80, count: self.a.count + 32) + self.a
      var result = [Float](repeating: .nan, count: rows * outputs)
      for panel in stride(from: 0, to: outputs, by: 32) {
        let width = min(32, outputs - panel)
        let weights = b[panel * terms * depth..<(panel + width) * terms * depth]
        let b = weights.map { $0 ^ 0x8000 } + weights
        let step = (rows + 15) / 16 * 16 * width + 16
        var c = [Float](repeating: .nan, count: 2 * step)
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            c.withUnsafeMutableBufferPointer { c in
              guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
                return
              }
              var products = kernel_products(
                positions: 2, rows: rows, terms: terms, depth: depth, width: width, a: a,
                a_position: self.a.count + 32, a_term: Self.neighbour * depth, b: b,
                b_end: b + 2 * weights.count, c: c, c_position: step)
              multiply(&products)
            }
          }
        }
        for r in 0..<rows {
          for o in 0..<width { result[r * outputs + panel + o] = c[step + r * width + o] }
        }
      }
      return result
    }
  }

  private static let cases = [(1, 32, 16), (7, 64, 48), (16, 32, 32), (23, 96, 80), (33, 64, 16)]
    .flatMap { rows, depth, outputs in
      [1, 3].map { Case(rows: rows, terms: $0, depth: depth, outputs: outputs) }
    }

  private func multiplier(_ name: String) throws -> (UnsafePointer<kernel_products>) -> Void {
    let products = try #require(BFloat16.available.first { $0.name == name }).kernels.products
    return { products($0) }
  }

  private func check(_ multiply: (UnsafePointer<kernel_products>) -> Void) {
    for example in Self.cases {
      let found = example.products(multiply)
      for r in 0..<example.rows {
        for o in 0..<example.outputs {
          #expect(abs(Double(found[r * example.outputs + o]) - example.value(r, o)) < 2e-5)
        }
      }
    }
  }

  @Test(arguments: names) func productsAreThoseOfRoundedOperands(name: String) throws {
    check(try multiplier(name))
  }

  /// How tiles are taken, on machines without AMX: by their twin in plain C.
  @Test func tilesTakeEveryRowAndColumn() { check { kernels_amx_twin_products($0) } }

  /// A row's sums may not depend on what is multiplied with it.
  @Test(arguments: names) func rowsDoNotDependOnTheirNumber(name: String) throws {
    let multiply = try multiplier(name)
    let all = Case(rows: 33, terms: 3, depth: 64, outputs: 48).products(multiply)
    for rows in 1...32 {
      let found = Case(rows: rows, terms: 3, depth: 64, outputs: 48).products(multiply)
      #expect(found == Array(all[..<found.count]), "\(rows) rows")
    }
  }

  @Test func roundingIsToNearestTiesToEven() {
    for (value, half) in [
      (Float(1), UInt16(0x3f80)), (1 + 0x1p-8, 0x3f80), (1 + 0x1.8p-7, 0x3f82), (-0.0, 0x8000),
      (1 + 0x1.1p-8, 0x3f81), (.infinity, 0x7f80), (.greatestFiniteMagnitude, 0x7f80),
    ] {
      #expect(BFloat16.rounded(value) == half, "\(value)")
    }
    let nan = BFloat16.rounded(Float(bitPattern: 0x7f80_0001))
    #expect(nan & 0x7f80 == 0x7f80 && nan & 0x7f != 0)
  }

  /// Rows come rounded, zeros beyond.
  @Test(arguments: names) func narrowRowsAreRounded(name: String) throws {
    let narrow = try #require(BFloat16.available.first { $0.name == name }).kernels
    let (rows, stride, depth) = (3, 48, 64)
    let values = (0..<rows * stride).map { Float(($0 * 71) % 1009) / 300 - 1 }
    var halves = [UInt16](repeating: 1, count: rows * depth)
    narrow.rows(values, rows, stride, &halves, depth)
    for r in 0..<rows {
      for c in 0..<depth {
        let expected = c < stride ? BFloat16.rounded(values[r * stride + c]) : 0
        #expect(halves[r * depth + c] == expected)
      }
    }
  }

  /// What is rounded is what the transform in Float32 gives; the channels beyond are zero.
  @Test(arguments: names, [2, 4]) func narrowInputIsTheRoundedTransform(name: String, m: Int) throws
  {
    let narrow = try #require(BFloat16.available.first { $0.name == name }).kernels
    // With the same fused sums.
    let set = name == "widened" ? InstructionSet.available.first : InstructionSet.available.last
    let kernels = try #require(set).kernels
    let (side, stride, depth, positions) = (8, 48, 64, (m + 2) * (m + 2))
    var values = (0..<(side + 2) * (side + 2) * stride).map { Float(($0 * 71) % 1009) / 300 - 1 }
    (values[5 * stride + 3], values[44 * stride], values[60 * stride]) = (.nan, .infinity, 1e30)
    let tiles = kernel_tiles(
      rows: side / m, columns: side / m, first: 0, count: side / m * (side / m))
    var single = [Float](repeating: 0, count: positions * tiles.count * stride)
    var halves = [UInt16](repeating: 1, count: positions * tiles.count * depth)
    values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      let row = (side + 2) * stride
      let map = kernel_map(
        first: base + row + stride, images: 1, height: side, width: side, stride: stride, row: row,
        image: 0)
      let (input, rounded) =
        m == 2
        ? (kernels.winograd2.input, narrow.input2) : (kernels.winograd4.input, narrow.input4)
      input(map, tiles, &single, tiles.count * stride)
      rounded(map, tiles, &halves, depth, tiles.count * depth)
    }
    for place in 0..<positions * tiles.count {
      for c in 0..<depth {
        let half = halves[place * depth + c]
        guard c < stride else {
          #expect(half == 0)
          continue
        }
        let value = single[place * stride + c]
        let isSame =
          value.isNaN
          ? half & 0x7f80 == 0x7f80 && half & 0x7f != 0
          : half == BFloat16.rounded(value)
        #expect(isSame, "\(value) became \(String(half, radix: 16))")
      }
    }
  }

  /// Along a line, what is rounded is Bᵀ d, of Winograd's tile itself, of each four pixels and those beside
  /// them; of the last four where the length is no multiple; the channels beyond are zero.
  @Test(arguments: names, [4, 7, 8, 30]) func narrowLineIsTheRoundedTransform(
    name: String, width: Int
  ) throws {
    let narrow = try #require(BFloat16.available.first { $0.name == name }).kernels
    let (stride, depth, tiles) = (48, 64, (width + 3) / 4)
    let values = (0..<(width + 2) * stride).map { Float(($0 * 71) % 1009) / 300 - 1 }
    var halves = [UInt16](repeating: 1, count: 6 * tiles * depth)
    narrow.line(values, width, stride, &halves, depth, tiles * depth)
    // Πₖ≠ⱼ(x − aₖ) of the points 0, ±5/8, ±3/2, and of infinity that of all five.
    let (p, q) = (25.0 / 64, 9.0 / 4)
    func cubic(_ a: Double, _ other: Double) -> [Double] { [0, -a * other, -other, a, 1, 0] }
    let rows = [
      [p * q, 0, -p - q, 0, 1, 0], cubic(0.625, q), cubic(-0.625, q), cubic(1.5, p), cubic(-1.5, p),
      [0, p * q, 0, -p - q, 0, 1],
    ]
    for (position, row) in rows.enumerated() {
      for tile in 0..<tiles {
        for c in 0..<depth {
          let half = halves[(position * tiles + tile) * depth + c]
          guard c < stride else {
            #expect(half == 0)
            continue
          }
          let first = min(4 * tile, width - 4)
          let terms = (0..<6).map { row[$0] * Double(values[(first + $0) * stride + c]) }
          let (sum, size) = terms.reduce((0, 0)) { ($0.0 + $1, $0.1 + abs($1)) }
          let found = Double(Float(bitPattern: UInt32(half) << 16))
          #expect(abs(found - sum) <= abs(sum) / 256 + size * 1e-6, "\(position), \(tile), \(c)")
        }
      }
    }
  }
}
