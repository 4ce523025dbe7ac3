import Foundation
import Layers
import TensorCore

/// A U-Net with EDM preconditioning:
///
///     D(x; σ, y) = c_skip·x + c_out·F(c_in·x; ln(σ)/4, y)
///     c_skip = σ_d²/(σ²+σ_d²)   c_out = σ·σ_d/√(σ²+σ_d²)   c_in = 1/√(σ²+σ_d²)
///
/// **Source** Karras et al. 2022 (arXiv 2206.00364), table 1.
public final class EDMDenoiser: Denoiser {
  /// The network F.
  public let network: UNet

  public let isUnconditional: Bool

  /// Preconditions `network`.
  ///
  /// - Parameter isUnconditional: whether the zero label vector is the unconditional network: label
  ///   dropout in training makes it so, and a network without classes is nothing else.
  public init(_ network: UNet, isUnconditional: Bool) {
    self.network = network
    self.isUnconditional = isUnconditional
  }

  public var shape: ImageShape {
    let a = network.architecture
    return ImageShape(channels: a.channels, height: a.resolution, width: a.resolution)
  }
  public var classCount: Int { network.architecture.classes }

  public func makeSession() -> any DenoiserSession { Session(self) }

  /// The preconditioning at one noise level, computed in Double.
  public struct Preconditioning: Sendable {
    /// c_skip = σ_d²/(σ²+σ_d²).
    public let skip: Float
    /// c_out = σ·σ_d/√(σ²+σ_d²).
    public let out: Float
    /// c_in = 1/√(σ²+σ_d²).
    public let input: Float
    /// σ²/(σ²+σ_d²) = 1 − c_skip, free of cancellation.
    public let shrink: Float
    /// c_noise = ln(σ)/4.
    public let noise: Double

    /// - Parameters:
    ///   - sigma: noise level, > 0.
    ///   - sigmaData: σ_d.
    public init(sigma: Float, sigmaData: Double) {
      precondition(sigma > 0 && sigma.isFinite, "σ must be positive and finite, got \(sigma)")
      let (s, d) = (Double(sigma), sigmaData)
      let norm = s * s + d * d
      skip = Float(d * d / norm)
      out = Float(s * d / norm.squareRoot())
      input = Float(1 / norm.squareRoot())
      shrink = Float(s * s / norm)
      noise = log(s) / 4
    }
  }

  /// One thread's scratch space.
  public final class Session: DenoiserSession {
    private var denoiser: EDMDenoiser
    private let arena = Arena()
    private var kept: (cache: UNet.Cache, scaling: Preconditioning, mark: Arena.Mark)?

    /// Scratch space for `denoiser`.
    public init(_ denoiser: EDMDenoiser) { self.denoiser = denoiser }

    /// Turns to another denoiser, the scratch memory kept: training has a new one each step.
    public func use(_ denoiser: EDMDenoiser) {
      self.denoiser = denoiser
      kept = nil
    }

    public func residual(
      image: Span<Float>, noise: Span<Float>, sigma: Float, label: Int?,
      into residual: inout MutableSpan<Float>, keepsForBackward keeps: Bool
    ) {
      let shape = denoiser.shape
      precondition(
        image.count == shape.count && noise.count == shape.count && residual.count == shape.count,
        "image, noise and residual need \(shape.count) values, got \(image.count), "
          + "\(noise.count), \(residual.count)")
      let scaling = Preconditioning(
        sigma: sigma, sigmaData: denoiser.network.architecture.sigmaData)
      kept = nil
      let start = Arena.Mark.start
      arena.release(to: start)
      let x = denoiser.network.makeInput(in: arena)
      forEachValue(of: x, shape) { pointer, i in
        pointer.pointee = scaling.input * (image[i] + sigma * noise[i])
      }
      let cache = denoiser.network.forward(
        x, noise: scaling.noise, label: label, keeps: keeps, in: arena)
      // D(x + σε) − x = c_out·F + c_skip·σ·ε − (1 − c_skip)·x, with no subtraction of near equals.
      forEachValue(of: cache.output, shape) { pointer, i in
        residual[i] =
          scaling.out * pointer.pointee + scaling.skip * sigma * noise[i]
          - scaling.shrink * image[i]
      }
      if keeps { kept = (cache, scaling, arena.mark) }
    }

    public func pullback(of cotangent: Span<Float>, into gradient: inout MutableSpan<Float>) {
      differentiate(cotangent, gradients: nil, into: &gradient)
    }

    /// `pullback` that also adds the gradients of every parameter of vᵀr to `gradients`.
    public func pullback(
      of cotangent: Span<Float>, into gradient: inout MutableSpan<Float>,
      adding gradients: ParameterGradients
    ) {
      differentiate(cotangent, gradients: gradients, into: &gradient)
    }

    private func differentiate(
      _ cotangent: Span<Float>, gradients: ParameterGradients?,
      into gradient: inout MutableSpan<Float>
    ) {
      guard let (cache, scaling, mark) = kept else {
        preconditionFailure("pullback needs a residual that was kept for it")
      }
      let shape = denoiser.shape
      arena.release(to: mark)
      let dy = FeatureMap(
        height: shape.height, width: shape.width, channels: shape.channels, border: 1, in: arena)
      dy.clear()
      forEachValue(of: dy, shape) { pointer, i in pointer.pointee = scaling.out * cotangent[i] }
      let dx = denoiser.network.backward(dy, cache: cache, gradients: gradients, in: arena)
      forEachValue(of: dx, shape) { pointer, i in
        gradient[i] = scaling.input * pointer.pointee - scaling.shrink * cotangent[i]
      }
    }
  }
}

/// Visits every value of a map with its index in the planar `[C, H, W]` order.
@inline(__always)
func forEachValue(
  of map: FeatureMap, _ shape: ImageShape, _ body: (UnsafeMutablePointer<Float>, Int) -> Void
) {
  for c in 0..<shape.channels {
    for y in 0..<shape.height {
      let row = map.row(y) + c
      for x in 0..<shape.width {
        body(row + x * map.stride, (c * shape.height + y) * shape.width + x)
      }
    }
  }
}
