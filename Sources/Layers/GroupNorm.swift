import CKernels
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
    for image in 0..<x.images {
      let cache = cache.image(image, stride: stride)
      findStatistics(of: x[image], into: cache, sums: sums)
      let (from, to) = x[image].resampled(to: y[image])
      kernels.normalize(from, to, constants(cache))
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
    let norm = constants(cache)
    kernels.normalize_gradient(x.view, dy.view, norm, sum, product)
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
    kernels.normalize_input_gradient(
      x.view, dy.view, addend?.view ?? .none, dx.view, norm, slope, constant)
  }

  /// What the inner loops need of one image's normalization.
  private func constants(_ cache: Cache) -> kernel_norm {
    kernel_norm(
      gamma: scale.base, beta: shift.base, mean: cache.mean,
      inverse_deviation: cache.inverseDeviation, activates: activates ? 1 : 0)
  }

  /// Mean and inverse deviation of every channel's group of one image, two passes.
  private func findStatistics(
    of x: FeatureMap, into cache: Cache, sums: UnsafeMutablePointer<Float>
  ) {
    let stride = x.stride
    cache.mean.update(repeating: 0, count: stride)
    cache.inverseDeviation.update(repeating: 0, count: stride)
    kernels.channel_sums(x.view, nil, sums)
    let perGroup = channels / groups
    let count = Double(perGroup * x.pixels)
    for g in 0..<groups {
      let range = g * perGroup..<(g + 1) * perGroup
      let mean = range.reduce(0.0) { $0 + Double(sums[$1]) } / count
      for c in range { cache.mean[c] = Float(mean) }
    }
    kernels.channel_sums(x.view, cache.mean, sums)
    for g in 0..<groups {
      let range = g * perGroup..<(g + 1) * perGroup
      let variance = range.reduce(0.0) { $0 + Double(sums[$1]) } / count
      for c in range {
        cache.inverseDeviation[c] = Float(1 / (variance + Self.epsilon).squareRoot())
      }
    }
  }
}
