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
