import CKernels
import TensorCore

/// What this machine can do at most, measured, for figures to stand beside.
package struct Ceilings {
  private let workers: WorkerPool

  /// Of so many threads at once.
  package init(_ workers: WorkerPool) { self.workers = workers }

  /// Floating-point operations a second of fused multiply-adds in registers, all threads together:
  /// what no product of matrices can pass.
  ///
  /// - Parameter time: gives the median seconds of what it is given.
  package func multiplyAdds(_ time: (() throws -> Void) throws -> Double) rethrows -> Double {
    let rounds = 2_000_000
    let sinks = AlignedBuffer(count: 16 * workers.count)
    var operations = 0.0
    let seconds = try time {
      try workers.forEach(workers.count) { part, _ in
        _ = elbow_ceiling_fma(rounds, sinks.base + 16 * part)
      }
    }
    operations = Double(workers.count) * elbow_ceiling_fma(1, sinks.base) * Double(rounds)
    return operations / seconds
  }

  /// Floating-point operations a second of products in bfloat16 whose operands a core's first cache holds,
  /// all threads together.
  ///
  /// - Parameter time: gives the median seconds of what it is given.
  package func narrowProducts(_ time: (() throws -> Void) throws -> Double) rethrows -> Double {
    let (rows, depth, width, rounds) = (32, 256, 32, 4000)
    let operands = (0..<workers.count).map { _ in
      (
        a: AlignedBuffer(count: rows * depth / 2), b: AlignedBuffer(count: depth * width / 2),
        c: AlignedBuffer(count: rows * width)
      )
    }
    @Sendable func halves(_ buffer: AlignedBuffer) -> UnsafePointer<UInt16> {
      UnsafeRawPointer(buffer.base).assumingMemoryBound(to: UInt16.self)
    }
    let multiply = BFloat16.current.kernels.products
    let seconds = try time {
      try workers.forEach(workers.count) { part, _ in
        let (a, b, c) = operands[part]
        var products = kernel_products(
          positions: 1, rows: rows, terms: 1, depth: depth, width: width, a: halves(a),
          a_position: 0, a_term: 0, b: halves(b), b_end: halves(b), c: c.base, c_position: 0)
        for _ in 0..<rounds { multiply(&products) }
      }
    }
    return Double(workers.count * rounds * 2 * rows * depth * width) / seconds
  }

  /// Bytes a second between memory and all threads together, of a = b + s·c over arrays of 128 MiB
  /// that no cache holds: two read and one written, each counted once.
  ///
  /// - Parameter time: gives the median seconds of what it is given.
  package func bandwidth(_ time: (() throws -> Void) throws -> Double) rethrows -> Double {
    let count = 32 << 20
    let (a, b, c) = (
      AlignedBuffer(count: count), AlignedBuffer(count: count), AlignedBuffer(count: count)
    )
    let parts = workers.count
    let seconds = try time {
      try workers.forEach(parts) { part, _ in
        let range = part * count / parts..<(part + 1) * count / parts
        elbow_ceiling_triad(
          a.base + range.lowerBound, b.base + range.lowerBound, c.base + range.lowerBound, 0.5,
          range.count)
      }
    }
    return 12 * Double(count) / seconds
  }
}
