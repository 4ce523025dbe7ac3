import TensorCore

/// Group normalization with a scale and shift per channel, and SiLU fused where asked for.
///
///     x̂ = (x − mean_g)/√(var_g + ε)   z = γ·x̂ + β   y = z·sigmoid(z), or y = z
///
/// Groups are min(32, C/4) runs of consecutive channels, ε = 1e-6, as in the public EDM networks.
public struct GroupNorm: Sendable {
  /// Channels C.
  public let channels: Int
  /// Whether SiLU follows.
  public let activates: Bool

  private let groups: Int
  private let scale: AlignedBuffer
  private let shift: AlignedBuffer
  private static let epsilon = 1e-6

  /// - Parameters:
  ///   - weight: γ, `[C]`.
  ///   - bias: β, `[C]`.
  ///   - activates: whether SiLU follows.
  public init(weight: [Float], bias: [Float], activates: Bool) {
    precondition(weight.count == bias.count, "γ has \(weight.count) values, β \(bias.count)")
    channels = weight.count
    groups = Self.groups(for: channels)
    precondition(channels % groups == 0, "\(channels) channels in \(groups) groups")
    self.activates = activates
    scale = AlignedBuffer(weight, paddedTo: aligned(channels))
    shift = AlignedBuffer(bias, paddedTo: aligned(channels))
  }

  /// min(32, C/4), at least 1.
  public static func groups(for channels: Int) -> Int { max(1, min(32, channels / 4)) }

  /// What the backward pass needs of a forward pass, besides its input.
  public struct Cache {
    /// Mean of each channel's group, `[images, aligned(C)]`.
    let mean: UnsafeMutablePointer<Float>
    /// 1/√(var + ε) of each channel's group, 0 in the padding, `[images, aligned(C)]`.
    let inverseDeviation: UnsafeMutablePointer<Float>

    /// One image's.
    fileprivate func image(_ image: Int, stride: Int) -> Cache {
      Cache(mean: mean + image * stride, inverseDeviation: inverseDeviation + image * stride)
    }
  }

  /// Room in `arena` for what `images` images' backward pass needs.
  public func makeCache(images: Int, in arena: Arena) -> Cache {
    let count = images * aligned(channels)
    return Cache(mean: arena.take(count), inverseDeviation: arena.take(count))
  }

  /// Normalises `x` into `y`, resampled on the way where the sizes differ.
  ///
  /// - Parameters:
  ///   - x: `[N, H, W, C]`; each image has its own statistics.
  ///   - y: receives `[N, H, W, C]`, any border; twice the size for nearest ×2, half of it for the
  ///     2×2 mean.
  ///   - cache: receives the statistics that `backward` needs; made in `arena` where there is none.
  ///   - arena: scratch memory.
  /// - Returns: the cache.
  @discardableResult
  public func forward(
    _ x: FeatureMap, into y: FeatureMap, cache given: Cache? = nil, in arena: Arena
  ) -> Cache {
    precondition(x.channels == channels && y.channels == channels, "norm of \(channels) got \(x)")
    let stride = x.stride
    let cache = given ?? makeCache(images: x.images, in: arena)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let sums = arena.take(stride)
    let sampling = Resampling(from: x, to: y)
    for image in 0..<x.images {
      let cache = cache.image(image, stride: stride)
      findStatistics(of: x[image], into: cache, sums: sums)
      for c in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
        let a = Lanes(at: scale.base + c) * Lanes(at: cache.inverseDeviation + c)
        let b = Lanes(at: shift.base + c) - Lanes(at: cache.mean + c) * a
        if activates {
          sampling.map(image: image, channel: c, ActivatedAffine(factor: a, offset: b))
        } else {
          sampling.map(image: image, channel: c, Affine(factor: a, offset: b))
        }
      }
    }
    return cache
  }

  /// dx = (∂y/∂x)ᵀ dy + addend, and the gradients of γ and β where asked for.
  ///
  /// - Parameters:
  ///   - dy: gradient of the output at x's size, `[N, H, W, C]`; overwritten with the gradient of z.
  ///   - dx: receives `[N, H, W, C]`, any border; may be `addend`.
  ///   - gradients: `[aligned(C)]` each, added to.
  public func backward(
    _ dy: FeatureMap, x: FeatureMap, cache: Cache, into dx: FeatureMap, addend: FeatureMap? = nil,
    gradients: (weight: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>)? = nil,
    in arena: Arena
  ) {
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let sums = Sums(stride: x.stride, in: arena)
    for image in 0..<x.images {
      backward(
        dy[image], x: x[image], cache: cache.image(image, stride: x.stride), into: dx[image],
        addend: addend?[image], gradients: gradients, sums)
    }
  }

  /// Values a channel that one image's backward pass needs.
  private struct Sums {
    /// Σ dz, Σ dz·x̂, and the constant and the factor of x in dx.
    let sum, product, constant, slope: UnsafeMutablePointer<Float>

    init(stride: Int, in arena: Arena) {
      (sum, product) = (arena.take(stride), arena.take(stride))
      (constant, slope) = (arena.take(stride), arena.take(stride))
    }
  }

  private func backward(
    _ dy: FeatureMap, x: FeatureMap, cache: Cache, into dx: FeatureMap, addend: FeatureMap?,
    gradients: (weight: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>)?,
    _ sums: Sums
  ) {
    let (stride, sum, product) = (x.stride, sums.sum, sums.product)
    let (constant, slope) = (sums.constant, sums.slope)
    for c in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
      differentiateActivation(
        dy, x: x, cache: cache, channel: c, sum: sum + c, product: product + c)
    }
    if let gradients {
      for c in 0..<channels {
        gradients.weight[c] += product[c]
        gradients.bias[c] += sum[c]
      }
    }
    // dx = γ·r·dz − r·(m₁ + x̂·m₂), m₁ and m₂ the group's means of γ·dz and γ·dz·x̂.
    let perGroup = channels / groups
    let count = Double(perGroup * x.pixels)
    constant.update(repeating: 0, count: stride)
    slope.update(repeating: 0, count: stride)
    for g in 0..<groups {
      let range = g * perGroup..<(g + 1) * perGroup
      var m1 = 0.0
      var m2 = 0.0
      for c in range {
        m1 += Double(scale.base[c]) * Double(sum[c])
        m2 += Double(scale.base[c]) * Double(product[c])
      }
      for c in range {
        let r = Double(cache.inverseDeviation[c])
        slope[c] = Float(-r * r * m2 / count)
        constant[c] = Float(-r * m1 / count + r * r * m2 / count * Double(cache.mean[c]))
      }
    }
    for c in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
      let factor = Lanes(at: scale.base + c) * Lanes(at: cache.inverseDeviation + c)
      let a = Lanes(at: slope + c)
      let b = Lanes(at: constant + c)
      for y in 0..<x.height {
        let (source, gradient, target) = (x.row(y) + c, dy.row(y) + c, dx.row(y) + c)
        for i in 0..<x.width {
          var value = b.plus(Lanes(at: source + i * stride), times: a)
          value = value.plus(Lanes(at: gradient + i * stride), times: factor)
          if let addend { value += Lanes(at: addend.row(y) + c + i * stride) }
          value.store(to: target + i * stride)
        }
      }
    }
  }

  /// Replaces dy by dz for one register of channels, and sums dz and dz·x̂ over the pixels.
  private func differentiateActivation(
    _ dy: FeatureMap, x: FeatureMap, cache: Cache, channel c: Int,
    sum: UnsafeMutablePointer<Float>, product: UnsafeMutablePointer<Float>
  ) {
    let mean = Lanes(at: cache.mean + c)
    let r = Lanes(at: cache.inverseDeviation + c)
    let gamma = Lanes(at: scale.base + c)
    let beta = Lanes(at: shift.base + c)
    let one = Lanes(repeating: 1)
    var total = Lanes.zero
    var moment = Lanes.zero
    for y in 0..<x.height {
      let (source, gradient) = (x.row(y) + c, dy.row(y) + c)
      for i in 0..<x.width {
        let normalized = (Lanes(at: source + i * x.stride) - mean) * r
        var dz = Lanes(at: gradient + i * dy.stride)
        if activates {
          let z = beta.plus(gamma, times: normalized)
          let s = Lanes.sigmoid(z)
          dz *= s * (one + z * (one - s))
          dz.store(to: gradient + i * dy.stride)
        }
        total += dz
        moment = moment.plus(dz, times: normalized)
      }
    }
    total.store(to: sum)
    moment.store(to: product)
  }

  /// Mean and inverse deviation of every channel's group of one image, two passes.
  private func findStatistics(
    of x: FeatureMap, into cache: Cache, sums: UnsafeMutablePointer<Float>
  ) {
    let stride = x.stride
    cache.mean.update(repeating: 0, count: stride)
    cache.inverseDeviation.update(repeating: 0, count: stride)
    channelSums(of: x, to: sums) { $0 }
    let perGroup = channels / groups
    let count = Double(perGroup * x.pixels)
    for g in 0..<groups {
      let range = g * perGroup..<(g + 1) * perGroup
      let mean = range.reduce(0.0) { $0 + Double(sums[$1]) } / count
      for c in range { cache.mean[c] = Float(mean) }
    }
    for c in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
      let mean = Lanes(at: cache.mean + c)
      channelSums(of: x, channel: c, to: sums) { v in (v - mean) * (v - mean) }
    }
    for g in 0..<groups {
      let range = g * perGroup..<(g + 1) * perGroup
      let variance = range.reduce(0.0) { $0 + Double(sums[$1]) } / count
      for c in range {
        cache.inverseDeviation[c] = Float(1 / (variance + Self.epsilon).squareRoot())
      }
    }
  }

  @inline(__always)
  private func channelSums(
    of x: FeatureMap, to sums: UnsafeMutablePointer<Float>, _ transform: (Lanes) -> Lanes
  ) {
    for c in Swift.stride(from: 0, to: x.stride, by: Lanes.scalarCount) {
      channelSums(of: x, channel: c, to: sums, transform)
    }
  }

  /// Sums over pixels with two accumulators, to keep the additions independent.
  @inline(__always)
  private func channelSums(
    of x: FeatureMap, channel c: Int, to sums: UnsafeMutablePointer<Float>,
    _ transform: (Lanes) -> Lanes
  ) {
    var even = Lanes.zero
    var odd = Lanes.zero
    for y in 0..<x.height {
      let row = x.row(y) + c
      var i = 0
      while i + 1 < x.width {
        even += transform(Lanes(at: row + i * x.stride))
        odd += transform(Lanes(at: row + (i + 1) * x.stride))
        i += 2
      }
      if i < x.width { even += transform(Lanes(at: row + i * x.stride)) }
    }
    (even + odd).store(to: sums + c)
  }
}
