/// A fixed number of accumulators, one register each; named fields stay in registers where an
/// indexed array would live in memory.
protocol Rows {
  init(_ start: Lanes)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes)
  func finish(_ output: Contraction.Output, column: Int)
}

extension Rows {
  @inline(__always)
  func write(_ value: Lanes, _ row: Int, _ output: Contraction.Output, _ column: Int) {
    var value = value
    if let addend = output.addend {
      value += Lanes(at: addend + row * output.addendRow + column)
    }
    value *= Lanes(repeating: output.scale)
    value.store(to: output.c + row * output.cRow + column)
  }
}

struct Rows1: Rows {
  var r0: Lanes

  @inline(__always) init(_ start: Lanes) { r0 = start }

  @inline(__always)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes) {
    x.r0 = x.r0.plus(Lanes(repeating: p[0]), times: b)
  }

  @inline(__always)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes
  ) {
    let a = Lanes(repeating: p[0])
    x.r0 = x.r0.plus(a, times: b0)
    y.r0 = y.r0.plus(a, times: b1)
  }

  @inline(__always)
  func finish(_ output: Contraction.Output, column: Int) { write(r0, 0, output, column) }
}

struct Rows4: Rows {
  var r0: Lanes, r1: Lanes, r2: Lanes, r3: Lanes

  @inline(__always)
  init(_ start: Lanes) { (r0, r1, r2, r3) = (start, start, start, start) }

  @inline(__always)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes) {
    x.r0 = x.r0.plus(Lanes(repeating: p[0]), times: b)
    x.r1 = x.r1.plus(Lanes(repeating: p[row]), times: b)
    x.r2 = x.r2.plus(Lanes(repeating: p[2 * row]), times: b)
    x.r3 = x.r3.plus(Lanes(repeating: p[3 * row]), times: b)
  }

  @inline(__always)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes
  ) {
    var a = Lanes(repeating: p[0])
    x.r0 = x.r0.plus(a, times: b0)
    y.r0 = y.r0.plus(a, times: b1)
    a = Lanes(repeating: p[row])
    x.r1 = x.r1.plus(a, times: b0)
    y.r1 = y.r1.plus(a, times: b1)
    a = Lanes(repeating: p[2 * row])
    x.r2 = x.r2.plus(a, times: b0)
    y.r2 = y.r2.plus(a, times: b1)
    a = Lanes(repeating: p[3 * row])
    x.r3 = x.r3.plus(a, times: b0)
    y.r3 = y.r3.plus(a, times: b1)
  }

  @inline(__always)
  func finish(_ output: Contraction.Output, column: Int) {
    write(r0, 0, output, column)
    write(r1, 1, output, column)
    write(r2, 2, output, column)
    write(r3, 3, output, column)
  }
}

struct Rows7: Rows {
  var r0: Lanes, r1: Lanes, r2: Lanes, r3: Lanes, r4: Lanes, r5: Lanes, r6: Lanes

  @inline(__always)
  init(_ start: Lanes) {
    (r0, r1, r2, r3, r4, r5, r6) = (
      start, start, start, start, start, start, start
    )
  }

  @inline(__always)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes) {
    x.r0 = x.r0.plus(Lanes(repeating: p[0]), times: b)
    x.r1 = x.r1.plus(Lanes(repeating: p[row]), times: b)
    x.r2 = x.r2.plus(Lanes(repeating: p[2 * row]), times: b)
    x.r3 = x.r3.plus(Lanes(repeating: p[3 * row]), times: b)
    x.r4 = x.r4.plus(Lanes(repeating: p[4 * row]), times: b)
    x.r5 = x.r5.plus(Lanes(repeating: p[5 * row]), times: b)
    x.r6 = x.r6.plus(Lanes(repeating: p[6 * row]), times: b)
  }

  @inline(__always)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes
  ) {
    var a = Lanes(repeating: p[0])
    x.r0 = x.r0.plus(a, times: b0)
    y.r0 = y.r0.plus(a, times: b1)
    a = Lanes(repeating: p[row])
    x.r1 = x.r1.plus(a, times: b0)
    y.r1 = y.r1.plus(a, times: b1)
    a = Lanes(repeating: p[2 * row])
    x.r2 = x.r2.plus(a, times: b0)
    y.r2 = y.r2.plus(a, times: b1)
    a = Lanes(repeating: p[3 * row])
    x.r3 = x.r3.plus(a, times: b0)
    y.r3 = y.r3.plus(a, times: b1)
    a = Lanes(repeating: p[4 * row])
    x.r4 = x.r4.plus(a, times: b0)
    y.r4 = y.r4.plus(a, times: b1)
    a = Lanes(repeating: p[5 * row])
    x.r5 = x.r5.plus(a, times: b0)
    y.r5 = y.r5.plus(a, times: b1)
    a = Lanes(repeating: p[6 * row])
    x.r6 = x.r6.plus(a, times: b0)
    y.r6 = y.r6.plus(a, times: b1)
  }

  @inline(__always)
  func finish(_ output: Contraction.Output, column: Int) {
    write(r0, 0, output, column)
    write(r1, 1, output, column)
    write(r2, 2, output, column)
    write(r3, 3, output, column)
    write(r4, 4, output, column)
    write(r5, 5, output, column)
    write(r6, 6, output, column)
  }
}

struct Rows8: Rows {
  var r0: Lanes, r1: Lanes, r2: Lanes, r3: Lanes, r4: Lanes, r5: Lanes, r6: Lanes, r7: Lanes

  @inline(__always)
  init(_ start: Lanes) {
    (r0, r1, r2, r3, r4, r5, r6, r7) = (
      start, start, start, start, start, start, start, start
    )
  }

  @inline(__always)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes) {
    x.r0 = x.r0.plus(Lanes(repeating: p[0]), times: b)
    x.r1 = x.r1.plus(Lanes(repeating: p[row]), times: b)
    x.r2 = x.r2.plus(Lanes(repeating: p[2 * row]), times: b)
    x.r3 = x.r3.plus(Lanes(repeating: p[3 * row]), times: b)
    x.r4 = x.r4.plus(Lanes(repeating: p[4 * row]), times: b)
    x.r5 = x.r5.plus(Lanes(repeating: p[5 * row]), times: b)
    x.r6 = x.r6.plus(Lanes(repeating: p[6 * row]), times: b)
    x.r7 = x.r7.plus(Lanes(repeating: p[7 * row]), times: b)
  }

  @inline(__always)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes
  ) {
    var a = Lanes(repeating: p[0])
    x.r0 = x.r0.plus(a, times: b0)
    y.r0 = y.r0.plus(a, times: b1)
    a = Lanes(repeating: p[row])
    x.r1 = x.r1.plus(a, times: b0)
    y.r1 = y.r1.plus(a, times: b1)
    a = Lanes(repeating: p[2 * row])
    x.r2 = x.r2.plus(a, times: b0)
    y.r2 = y.r2.plus(a, times: b1)
    a = Lanes(repeating: p[3 * row])
    x.r3 = x.r3.plus(a, times: b0)
    y.r3 = y.r3.plus(a, times: b1)
    a = Lanes(repeating: p[4 * row])
    x.r4 = x.r4.plus(a, times: b0)
    y.r4 = y.r4.plus(a, times: b1)
    a = Lanes(repeating: p[5 * row])
    x.r5 = x.r5.plus(a, times: b0)
    y.r5 = y.r5.plus(a, times: b1)
    a = Lanes(repeating: p[6 * row])
    x.r6 = x.r6.plus(a, times: b0)
    y.r6 = y.r6.plus(a, times: b1)
    a = Lanes(repeating: p[7 * row])
    x.r7 = x.r7.plus(a, times: b0)
    y.r7 = y.r7.plus(a, times: b1)
  }

  @inline(__always)
  func finish(_ output: Contraction.Output, column: Int) {
    write(r0, 0, output, column)
    write(r1, 1, output, column)
    write(r2, 2, output, column)
    write(r3, 3, output, column)
    write(r4, 4, output, column)
    write(r5, 5, output, column)
    write(r6, 6, output, column)
    write(r7, 7, output, column)
  }
}
