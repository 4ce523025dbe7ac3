#if SIMD_512
  /// One SIMD register's worth of floats on the instruction set this build is for.
  public typealias Lanes = SIMD16<Float>
  @usableFromInline typealias IntegerLanes = SIMD16<Int32>
#elseif SIMD_256
  /// One SIMD register's worth of floats on the instruction set this build is for.
  public typealias Lanes = SIMD8<Float>
  @usableFromInline typealias IntegerLanes = SIMD8<Int32>
#else
  /// One SIMD register's worth of floats on the instruction set this build is for.
  public typealias Lanes = SIMD4<Float>
  @usableFromInline typealias IntegerLanes = SIMD4<Int32>
#endif

/// Channel counts are padded to a multiple of this in feature maps, whatever the lane count.
public let channelAlignment = 16

/// `count` rounded up to a multiple of `channelAlignment`.
@inlinable
public func aligned(_ count: Int) -> Int {
  (count + channelAlignment - 1) / channelAlignment * channelAlignment
}

/// Instruction set that the numeric code was compiled for.
public var compiledInstructionSet: String {
  #if SIMD_512
    "x86-64-v4"
  #elseif SIMD_256
    "x86-64-v3"
  #elseif arch(arm64)
    "arm64"
  #else
    "baseline"
  #endif
}

extension SIMD where Scalar == Float {
  /// The lanes at `pointer`, no alignment needed.
  @inlinable @inline(__always)
  public init(at pointer: UnsafePointer<Float>) {
    self = UnsafeRawPointer(pointer).loadUnaligned(as: Self.self)
  }

  /// The lanes at `pointer`, no alignment needed.
  @inlinable @inline(__always)
  public init(at pointer: UnsafeMutablePointer<Float>) {
    self = UnsafeRawPointer(pointer).loadUnaligned(as: Self.self)
  }

  /// Writes the lanes to `pointer`, no alignment needed.
  @inlinable @inline(__always)
  public func store(to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: self, as: Self.self)
  }

  /// `self + a·b`, fused where the instruction set has it.
  @inlinable @inline(__always)
  public func plus(_ a: Self, times b: Self) -> Self {
    #if SIMD_512 || SIMD_256 || arch(arm64)
      addingProduct(a, b)
    #else
      self + a * b
    #endif
  }
}

extension Lanes {
  /// eˣ in every lane, relative error below 2e-7 on [−87, 88]; arguments outside are clamped.
  ///
  /// **Source** Cody–Waite reduction x = n·ln 2 + r, |r| ≤ ½ ln 2, and the degree-7
  /// minimax polynomial of eʳ (coefficients of Cephes' `expf`).
  @inlinable @inline(__always)
  public static func exponential(_ x: Lanes) -> Lanes {
    // Masks, since `clamped` goes lane by lane; NaN passes through.
    let (least, most) = (Lanes(repeating: -87), Lanes(repeating: 88))
    let clamped = x.replacing(with: least, where: x .< least)
      .replacing(with: most, where: x .> most)
    // Adding 1.5·2²³ leaves the rounded integer in the low bits of the sum.
    let magic = Lanes(repeating: 12_582_912)
    let shifted = magic.plus(clamped, times: Lanes(repeating: 1.442_695_04))
    let n = shifted - magic
    var r = clamped.plus(n, times: Lanes(repeating: -0.693_359_375))
    r = r.plus(n, times: Lanes(repeating: 2.121_944_4e-4))
    // Estrin's order, a shorter chain than Horner's: a loop's speed is that of its chains.
    let square = r * r
    let high = Lanes(repeating: 1.398_199_95e-3).plus(Lanes(repeating: 1.987_569_15e-4), times: r)
    let middle = Lanes(repeating: 4.166_579_6e-2).plus(Lanes(repeating: 8.333_451_9e-3), times: r)
    let low = Lanes(repeating: 5.000_000_1e-1).plus(Lanes(repeating: 1.666_666_55e-1), times: r)
    var p = low.plus(middle.plus(high, times: square), times: square)
    p = (r + Lanes(repeating: 1)).plus(p, times: square)
    // Adds n to the exponent bits.
    let bits = unsafeBitCast(p, to: IntegerLanes.self)
    let exponent = unsafeBitCast(shifted, to: IntegerLanes.self) &<< 23
    return unsafeBitCast(bits &+ exponent, to: Lanes.self)
  }

  /// 1/(1 + e⁻ˣ) in every lane, relative error below 5e-7 for x ≥ −80; below, at most the value
  /// at −80.
  @inlinable @inline(__always)
  public static func sigmoid(_ x: Lanes) -> Lanes {
    Lanes(repeating: 1) / (Lanes(repeating: 1) + exponential(Lanes.zero - x))
  }
}
