import TensorCore

/// A function of one register; a type rather than a closure, so that it is inlined into the loops.
protocol LaneTransform {
  func callAsFunction(_ v: Lanes) -> Lanes
}

/// v·factor.
struct Scaling: LaneTransform {
  let factor: Lanes
  @inline(__always) func callAsFunction(_ v: Lanes) -> Lanes { v * factor }
}

/// v·factor + offset.
struct Affine: LaneTransform {
  let factor: Lanes
  let offset: Lanes
  @inline(__always) func callAsFunction(_ v: Lanes) -> Lanes { offset.plus(v, times: factor) }
}

/// SiLU(v·factor + offset).
struct ActivatedAffine: LaneTransform {
  let factor: Lanes
  let offset: Lanes
  @inline(__always)
  func callAsFunction(_ v: Lanes) -> Lanes {
    let z = offset.plus(v, times: factor)
    return z * Lanes.sigmoid(z)
  }
}

/// The three ways a block samples its input: as it is, nearest ×2, or the 2×2 mean; of signals, which
/// have one row, along that row alone: nearest ×2, or the mean of two.
struct Resampling {
  private let x: FeatureMap
  private let y: FeatureMap

  /// From `x` to `y`, equal channels and images; the kind follows from the sizes.
  init(from x: FeatureMap, to y: FeatureMap) {
    precondition(
      x.stride == y.stride && x.images == y.images
        && ((x.height == y.height && x.width == y.width)
          || (x.height * 2 == y.height && x.width * 2 == y.width)
          || (x.height == y.height * 2 && x.width == y.width * 2)
          || (x.height == 1 && y.height == 1
            && (x.width * 2 == y.width || x.width == y.width * 2))),
      "cannot resample \(x) to \(y)")
    self.x = x
    self.y = y
  }

  /// Writes `transform(x)`, resampled, for all channels.
  @inline(__always)
  func map(_ transform: some LaneTransform) {
    for image in 0..<x.images {
      for c in stride(from: 0, to: x.stride, by: Lanes.scalarCount) {
        map(image: image, channel: c, transform)
      }
    }
  }

  /// Writes `transform(x)`, resampled, for the register of channels that starts at `c`.
  @inline(__always)
  func map(image: Int, channel c: Int, _ transform: some LaneTransform) {
    let (x, y) = (x[image], y[image])
    if x.width == y.width {
      for row in 0..<y.height {
        let (source, target) = (x.row(row) + c, y.row(row) + c)
        for i in 0..<y.width {
          transform(Lanes(at: source + i * x.stride)).store(to: target + i * y.stride)
        }
      }
    } else if x.height == y.height {
      mapSignal(x.row(0) + c, to: y.row(0) + c, transform)
    } else if x.height < y.height {
      for row in 0..<x.height {
        let source = x.row(row) + c
        let (upper, lower) = (y.row(2 * row) + c, y.row(2 * row + 1) + c)
        for i in 0..<x.width {
          let value = transform(Lanes(at: source + i * x.stride))
          value.store(to: upper + 2 * i * y.stride)
          value.store(to: upper + (2 * i + 1) * y.stride)
          value.store(to: lower + 2 * i * y.stride)
          value.store(to: lower + (2 * i + 1) * y.stride)
        }
      }
    } else {
      let quarter = Lanes(repeating: 0.25)
      for row in 0..<y.height {
        let (upper, lower) = (x.row(2 * row) + c, x.row(2 * row + 1) + c)
        let target = y.row(row) + c
        for i in 0..<y.width {
          let (left, right) = (2 * i * x.stride, (2 * i + 1) * x.stride)
          let top = transform(Lanes(at: upper + left)) + transform(Lanes(at: upper + right))
          let bottom = transform(Lanes(at: lower + left)) + transform(Lanes(at: lower + right))
          ((top + bottom) * quarter).store(to: target + i * y.stride)
        }
      }
    }
  }

  /// `map` of the only row, to one of twice or half the width.
  @inline(__always)
  private func mapSignal(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>,
    _ transform: some LaneTransform
  ) {
    if x.width < y.width {
      for i in 0..<x.width {
        let value = transform(Lanes(at: source + i * x.stride))
        value.store(to: target + 2 * i * y.stride)
        value.store(to: target + (2 * i + 1) * y.stride)
      }
    } else {
      let half = Lanes(repeating: 0.5)
      for i in 0..<y.width {
        let left = transform(Lanes(at: source + 2 * i * x.stride))
        let right = transform(Lanes(at: source + (2 * i + 1) * x.stride))
        ((left + right) * half).store(to: target + i * y.stride)
      }
    }
  }
}

/// Nearest ×2 or the mean of 2×2 pixels, or of two of a signal, chosen by the sizes; equal sizes
/// copy.
public func resample(_ x: FeatureMap, into y: FeatureMap) {
  Resampling(from: x, to: y).map(Scaling(factor: Lanes(repeating: 1)))
}

/// The adjoint of `resample`: dx = (∂y/∂x)ᵀ dy.
///
/// The adjoint of nearest ×2 is four times the 2×2 mean; that of the 2×2 mean a quarter of nearest
/// ×2; of signals, twice and half.
public func resampleBackward(_ dy: FeatureMap, into dx: FeatureMap) {
  let factor = Float(dy.pixels) / Float(dx.pixels)
  Resampling(from: dy, to: dx).map(Scaling(factor: Lanes(repeating: factor)))
}
