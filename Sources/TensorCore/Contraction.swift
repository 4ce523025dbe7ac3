/// The one inner loop of the engine: rows of sums of products, kept in registers.
///
///     C[r, v] = (start[v] + Σ_s Σ_i A[r·aRow + s·aSegment + i·aStep] · B[s·bSegment + i·bStep + v]
///                + addend[r, v]) · scale
///
/// r runs over pixels (or input channels, for weight gradients), v over a panel of output channels,
/// s over `segments` and i over `run`. With the right strides this is a matrix product, a 3×3
/// convolution over a bordered channels-last map without any copy (a segment is a filter row, a run
/// its 3·C contiguous values), and a convolution's weight gradient. Every row is summed in the same
/// order whatever the number of rows, so a result never depends on how rows are grouped.
public struct Contraction {
  /// Outer sums.
  public var segments: Int
  /// Inner sums.
  public var run: Int
  /// Floats from one row of A to the next.
  public var aRow: Int
  /// Floats between segments of A.
  public var aSegment: Int
  /// Floats between values of a run of A.
  public var aStep: Int
  /// Floats between segments of B.
  public var bSegment: Int
  /// Floats between values of a run of B.
  public var bStep: Int

  /// The strides as given.
  public init(
    segments: Int, run: Int, aRow: Int, aSegment: Int, aStep: Int, bSegment: Int, bStep: Int
  ) {
    self.segments = segments
    self.run = run
    self.aRow = aRow
    self.aSegment = aSegment
    self.aStep = aStep
    self.bSegment = bSegment
    self.bStep = bStep
  }

  /// Where the sums go, and what is added to them.
  public struct Output {
    /// First value of C.
    public var c: UnsafeMutablePointer<Float>
    /// Floats from one row of C to the next.
    public var cRow: Int
    /// First value of the addend, nil for none; may be `c` itself.
    public var addend: UnsafePointer<Float>?
    /// Floats from one row of the addend to the next.
    public var addendRow: Int
    /// Factor on the sum.
    public var scale: Float

    /// The destination as given.
    public init(
      _ c: UnsafeMutablePointer<Float>, cRow: Int, addend: UnsafePointer<Float>? = nil,
      addendRow: Int = 0, scale: Float = 1
    ) {
      self.c = c
      self.cRow = cRow
      self.addend = addend
      self.addendRow = addendRow
      self.scale = scale
    }
  }

  /// Widest panel, in floats: two registers.
  @inlinable public static var panel: Int { 2 * Lanes.scalarCount }

  /// Calls `body(channel, width)` for `stride` channels in panels, the last of one register where
  /// that is enough.
  @inlinable @inline(__always)
  public static func forEachPanel(of stride: Int, _ body: (_ channel: Int, _ width: Int) -> Void) {
    var channel = 0
    while channel < stride {
      let width = stride - channel >= panel ? panel : panel / 2
      body(channel, width)
      channel += width
    }
  }

  /// Computes `rows` rows of one panel.
  ///
  /// - Parameters:
  ///   - width: `panel`, or half of it.
  ///   - start: `width` values every row starts from; nil for 0.
  public func callAsFunction(
    rows: Int, width: Int, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
    start: UnsafePointer<Float>?, into output: Output
  ) {
    var row = 0
    let (eights, sevens) = Self.split(rows)
    let double = width == Self.panel
    while row < rows {
      let left = rows - row
      let taken: Int
      let a = a + row * aRow
      var out = output
      out.c += row * output.cRow
      if let addend = output.addend { out.addend = addend + row * output.addendRow }
      if row < eights * 8 {
        taken = 8
        if double {
          wide(Rows8.self, a, b, start, out)
        } else {
          narrow(Rows8.self, a, b, start, out)
        }
      } else if row < eights * 8 + sevens * 7 {
        taken = 7
        if double {
          wide(Rows7.self, a, b, start, out)
        } else {
          narrow(Rows7.self, a, b, start, out)
        }
      } else if left >= 4 {
        taken = 4
        if double {
          wide(Rows4.self, a, b, start, out)
        } else {
          narrow(Rows4.self, a, b, start, out)
        }
      } else {
        taken = 1
        if double {
          wide(Rows1.self, a, b, start, out)
        } else {
          narrow(Rows1.self, a, b, start, out)
        }
      }
      row += taken
    }
  }

  /// How many groups of 8 and of 7 rows leave the fewest single rows.
  @inline(__always)
  static func split(_ rows: Int) -> (eights: Int, sevens: Int) {
    // rows = 8·e + 7·s has the solutions s = −rows mod 8, + 8, …
    let sevens = -rows & 7
    return rows >= 7 * sevens ? ((rows - 7 * sevens) / 8, sevens) : (rows / 8, 0)
  }

  /// Rows of two registers each.
  @inline(__always)
  private func wide<R: Rows>(
    _: R.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ start: UnsafePointer<Float>?, _ output: Output
  ) {
    let lanes = Lanes.scalarCount
    var low = R(start.map { Lanes(at: $0) } ?? .zero)
    var high = R(start.map { Lanes(at: $0 + lanes) } ?? .zero)
    for s in 0..<segments {
      var p = a + s * aSegment
      var q = b + s * bSegment
      for _ in 0..<run {
        let b0 = Lanes(at: q)
        let b1 = Lanes(at: q + lanes)
        R.accumulate(&low, &high, p, aRow, b0, b1)
        p += aStep
        q += bStep
      }
    }
    low.finish(output, column: 0)
    high.finish(output, column: lanes)
  }

  /// Rows of one register each.
  @inline(__always)
  private func narrow<R: Rows>(
    _: R.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ start: UnsafePointer<Float>?, _ output: Output
  ) {
    var low = R(start.map { Lanes(at: $0) } ?? .zero)
    for s in 0..<segments {
      var p = a + s * aSegment
      var q = b + s * bSegment
      for _ in 0..<run {
        R.accumulate(&low, p, aRow, Lanes(at: q))
        p += aStep
        q += bStep
      }
    }
    low.finish(output, column: 0)
  }
}

/// A fixed number of accumulators, one register each; named fields stay in registers where an
/// indexed array would live in memory.
private protocol Rows {
  init(_ start: Lanes)
  static func accumulate(_ x: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b: Lanes)
  static func accumulate(
    _ x: inout Self, _ y: inout Self, _ p: UnsafePointer<Float>, _ row: Int, _ b0: Lanes,
    _ b1: Lanes)
  func finish(_ output: Contraction.Output, column: Int)
}

extension Rows {
  @inline(__always)
  fileprivate func write(_ value: Lanes, _ row: Int, _ output: Contraction.Output, _ column: Int) {
    var value = value
    if let addend = output.addend {
      value += Lanes(at: addend + row * output.addendRow + column)
    }
    value *= Lanes(repeating: output.scale)
    value.store(to: output.c + row * output.cRow + column)
  }
}

private struct Rows1: Rows {
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

private struct Rows4: Rows {
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

private struct Rows7: Rows {
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

private struct Rows8: Rows {
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
