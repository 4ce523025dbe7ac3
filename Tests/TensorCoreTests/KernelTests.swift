import CKernels
import Foundation
import Testing

import TensorCore

/// What each instruction set that this machine has must get right; the others are tested where they are.
@Suite struct KernelTests {
  static let names = InstructionSet.available.map(\.name)

  private func kernels(_ name: String) throws -> kernel_table {
    try #require(InstructionSet.available.first { $0.name == name }).kernels
  }

  @Test func theFastestIsTakenUnlessTheEnvironmentNamesOne() {
    let asked = ProcessInfo.processInfo.environment["ELBOW_ARCH"] ?? ""
    #expect(InstructionSet.current.name == (asked.isEmpty ? Self.names.last : asked))
    #expect(Self.names.first == "baseline" || Self.names == ["arm64"])
    #expect(
      InstructionSet.available.map(\.kernels.lanes)
        == InstructionSet.available.map(\.kernels.lanes).sorted())
  }

  /// Two units in the last place of Float32, and the roundings of two shares of a sum.
  @Test(arguments: names) func exponentialIsAccurate(name: String) throws {
    let kernels = try kernels(name)
    var worst = 0.0
    for first in stride(from: -86_000, to: 0, by: 7 * 20) {
      let values = [0] + (0..<20).map { Float(min(0, first + 7 * $0)) / 1000 }
      var row = values
      kernels.softmax(&row, row.count)
      for (x, share) in zip(values, row) {
        worst = max(worst, abs(Double(share) / Double(row[0]) / exp(Double(x)) - 1))
      }
      let sum = row.reduce(0) { $0 + Double($1) }
      #expect(abs(sum - 1) < 2e-6)
    }
    #expect(worst < 2e-7 + 2 * 6e-8)
  }

  /// SiLU of every value, over the value.
  private func sigmoids(_ values: [Float], _ kernels: kernel_table) -> [Float] {
    var (x, y) = (values, values)
    let stride = 16
    let (ones, zeros) = ([Float](repeating: 1, count: 16), [Float](repeating: 0, count: 16))
    precondition(values.count % stride == 0)
    x.withUnsafeMutableBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        ones.withUnsafeBufferPointer { ones in
          zeros.withUnsafeBufferPointer { zeros in
            func map(_ buffer: UnsafeMutableBufferPointer<Float>) -> kernel_map {
              kernel_map(
                first: buffer.baseAddress, images: 1, height: 1, width: buffer.count / stride,
                stride: stride, row: buffer.count, image: buffer.count)
            }
            guard let one = ones.baseAddress, let zero = zeros.baseAddress else { return }
            kernels.normalize(
              map(x), map(y),
              kernel_norm(
                gamma: one, beta: zero, mean: zero, inverse_deviation: one, activates: 1))
          }
        }
      }
    }
    return zip(y, values).map { $0 / $1 }
  }

  @Test(arguments: names) func sigmoidIsAccurateAndSaturates(name: String) throws {
    let kernels = try kernels(name)
    let values = (0..<8000).map { Float($0 * 20 - 80_000 + 1) / 1000 }
    var worst = 0.0
    for (x, value) in zip(values, sigmoids(values, kernels)) {
      worst = max(worst, abs(Double(value) * (1 + exp(-Double(x))) - 1))
    }
    // The last is the product's rounding.
    #expect(worst < 5e-7 + 2 * 6e-8)
    let extremes = sigmoids([1000, -1000, .nan] + [Float](repeating: 1, count: 13), kernels)
    #expect(abs(extremes[0] - 1) < 5e-7)
    #expect(extremes[1] > 0 && extremes[1] < 1e-34)
    #expect(extremes[2].isNaN)
  }

  /// Every row count from 1 up meets the groups of many, of four and the single rows; a row's sum may not
  /// depend on them, so the comparison between counts is exact.
  @Test(arguments: names, [1, 2])
  func rowsDoNotDependOnTheirNumber(name: String, registers: Int) throws {
    let kernels = try kernels(name)
    let (run, most, segments) = (5, 31, 2)
    let width = registers * kernels.lanes
    let a = (0..<(most + 2) * 16).map { Float(($0 * 37) % 101) / 50 - 1 }
    let b = (0..<segments * run * width).map { Float(($0 * 53) % 97) / 48 - 1 }
    func rows(_ count: Int) -> [Float] {
      var sums = kernel_sums(
        lines: 1, rows: count, segments: segments, run: run, a_line: 0, a_row: 16, a_segment: 7,
        a_step: 1, b_segment: run * width, b_step: width)
      return [Float](unsafeUninitializedCapacity: count * width) { c, filled in
        filled = count * width
        guard let base = c.baseAddress else { return }
        var output = kernel_output(
          c: base, c_line: 0, c_row: width, addend: nil, addend_line: 0, addend_row: 0, scale: 1)
        kernels.contract(&sums, width, a, b, nil, &output)
      }
    }
    let all = rows(most)
    for count in 1...most { #expect(rows(count) == Array(all[..<(count * width)])) }
    for r in [0, 7, 30] {
      for v in [0, width - 1] {
        var sum = 0.0
        for s in 0..<segments {
          for i in 0..<run {
            sum += Double(a[r * 16 + s * 7 + i]) * Double(b[(s * run + i) * width + v])
          }
        }
        #expect(abs(Double(all[r * width + v]) - sum) < 1e-5)
      }
    }
  }

  /// (products + start + addend)·scale, in rows that lie apart.
  @Test(arguments: names) func finishAddsAndScales(name: String) throws {
    let kernels = try kernels(name)
    let (rows, width, row) = (3, 32, 48)
    let products = (0..<rows * width).map { Float($0) }
    let start = (0..<width).map { Float(2 * $0) }
    var c = (0..<rows * row).map { Float(-$0) }
    let before = c
    c.withUnsafeMutableBufferPointer { c in
      guard let base = c.baseAddress else { return }
      var output = kernel_output(
        c: base, c_line: 0, c_row: row, addend: base, addend_line: 0, addend_row: row, scale: 0.5)
      kernels.finish(products, rows, width, start, &output)
    }
    for r in 0..<rows {
      for v in 0..<row {
        let old = before[r * row + v]
        #expect(
          c[r * row + v] == (v < width ? (products[r * width + v] + start[v] + old) / 2 : old))
      }
    }
  }

  /// Rows of 48 values leave registers over, whatever their width.
  @Test(arguments: names) func rowsOfBytesAreRowsOfFloats(name: String) throws {
    let kernels = try kernels(name)
    let (stride, count) = (48, 7)
    let bytes = (0..<count * stride).map { UInt8(truncatingIfNeeded: $0 * 97) }
    let floats = bytes.map(Float.init)
    let query = (0..<stride).map { Float($0) * 3.5 }
    var distances = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
    kernels.squared_distances(bytes, 1, count, stride, query, &distances.0)
    kernels.squared_distances(floats, 0, count, stride, query, &distances.1)
    #expect(distances.0 == distances.1)
    let (chosen, weights) = ([1, 4, 6], [Float(0.5), 0.25, -1])
    var sums = ([Float](repeating: 0, count: stride), [Float](repeating: 0, count: stride))
    kernels.weighted_sum(bytes, 1, stride, chosen, weights, 3, &sums.0)
    kernels.weighted_sum(floats, 0, stride, chosen, weights, 3, &sums.1)
    #expect(sums.0 == sums.1)
    for i in 0..<count {
      let row = floats[i * stride..<(i + 1) * stride]
      let exact = zip(row, query).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      #expect(abs(Double(distances.0[i]) / exact - 1) < 1e-6)
      let product = zip(row, query).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      for found in [
        kernels.inner_product(bytes, 1, stride, i, query),
        kernels.inner_product(floats, 0, stride, i, query),
      ] {
        #expect(abs(Double(found) / product - 1) < 1e-6)
      }
    }
    for c in 0..<stride {
      let exact = zip(chosen, weights).reduce(Float(0)) { $0 + floats[$1.0 * stride + c] * $1.1 }
      #expect(abs(sums.0[c] - exact) < 1e-3)
    }
  }
}
