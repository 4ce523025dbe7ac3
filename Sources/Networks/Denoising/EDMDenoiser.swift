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
  package let network: UNet

  public let isUnconditional: Bool

  /// Preconditions `network`.
  ///
  /// - Parameter isUnconditional: whether the zero label vector is the unconditional network: label
  ///   dropout in training makes it so, and a network without classes is nothing else. A multi-head
  ///   network has no label input and never is.
  package init(_ network: UNet, isUnconditional: Bool) {
    self.network = network
    self.isUnconditional = isUnconditional && network.architecture.heads == 1
  }

  public var shape: ImageShape { network.architecture.shape }
  public var classCount: Int { network.architecture.classes }
  public var isMultiHead: Bool { network.architecture.heads > 1 }

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
    /// c_skip·σ.
    private let signal: Float

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
      signal = skip * sigma
    }

    /// D(x + σε) − x = c_out·F + c_skip·σ·ε − (1 − c_skip)·x, with no subtraction of near equals.
    @inline(__always)
    func residual(_ f: Float, _ x: Float, _ noise: Float) -> Float {
      out * f + signal * noise - shrink * x
    }
  }

  /// One thread's scratch space.
  public final class Session: DenoiserSession {
    private(set) var denoiser: EDMDenoiser
    let arena = Arena()
    /// r or v of one label, `[C·H·W]`.
    private var values: [Float] = []

    /// Scratch space for `denoiser`.
    public init(_ denoiser: EDMDenoiser) { self.denoiser = denoiser }

    /// Turns to another denoiser, the scratch memory kept: training has a new one each step.
    public func use(_ denoiser: EDMDenoiser) { self.denoiser = denoiser }

    public func residuals(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into residuals: inout MutableSpan<Float>
    ) {
      let size = denoiser.shape.count
      precondition(
        residuals.count == labels.count * size,
        "residuals of \(labels.count) labels need \(labels.count * size) values, got "
          + "\(residuals.count)")
      let (trunk, scaling) = begin(
        image: image, noise: noise, sigma: sigma, keeping: .nothing)
      let passes = passes(labels)
      let groupSize = passes.count > 1 ? groupSize(keeping: .nothing) : 1
      for first in stride(from: 0, to: passes.count, by: groupSize) {
        let mark = arena.mark
        let group = passes[first..<min(first + groupSize, passes.count)]
        let cache = denoiser.network.forward(
          trunk, conditions: group.map { .init(noise: scaling.noise, label: $0.label) },
          keeping: .nothing, in: arena)
        for (member, pass) in group.enumerated() {
          for (index, head) in pass.outputs {
            forEachValue(of: cache.output[member], denoiser.shape, head: head) { pointer, i in
              residuals[index * size + i] = scaling.residual(pointer.pointee, image[i], noise[i])
            }
          }
        }
        arena.release(to: mark)
      }
    }

    public func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) {
      differentiate(
        image: image, noise: noise, sigma: sigma, labels: labels, into: &gradient, adding: nil,
        cotangent: cotangent)
    }

    /// `gradient` that also adds the gradients of every parameter, of Σ_y v_yᵀ r_y, to `gradients`.
    package func gradient(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>, adding gradients: ParameterGradients,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) {
      differentiate(
        image: image, noise: noise, sigma: sigma, labels: labels, into: &gradient,
        adding: gradients, cotangent: cotangent)
    }

    private func differentiate(
      image: Span<Float>, noise: Span<Float>, sigma: Float, labels: [Int?],
      into gradient: inout MutableSpan<Float>, adding gradients: ParameterGradients?,
      cotangent: (_ index: Int, _ residual: inout MutableSpan<Float>) -> Void
    ) {
      let (shape, network) = (denoiser.shape, denoiser.network)
      precondition(
        gradient.count == shape.count, "gradient needs \(shape.count) values, got \(gradient.count)"
      )
      let retention: Retention = gradients == nil ? .forInput : .forParameters
      let (trunk, scaling) = begin(
        image: image, noise: noise, sigma: sigma, keeping: retention)
      if values.count != shape.count { values = Array(repeating: 0, count: shape.count) }
      for i in 0..<shape.count { gradient[i] = 0 }
      for pass in passes(labels) {
        let mark = arena.mark
        let cache = network.forward(
          trunk, conditions: [.init(noise: scaling.noise, label: pass.label)],
          keeping: retention, in: arena)
        let dy = network.makeOutputGradient(images: 1, in: arena)
        for (index, head) in pass.outputs {
          forEachValue(of: cache.output, shape, head: head) { pointer, i in
            values[i] = scaling.residual(pointer.pointee, image[i], noise[i])
          }
          var span = values.mutableSpan
          cotangent(index, &span)
          forEachValue(of: dy, shape, head: head) { pointer, i in
            pointer.pointee += scaling.out * values[i]
            gradient[i] -= scaling.shrink * values[i]
          }
        }
        let first = network.backward(dy, cache: cache, gradients: gradients, in: arena)
        let dx = network.inputGradient(first, in: arena)
        forEachValue(of: dx, shape) { pointer, i in
          gradient[i] += scaling.input * pointer.pointee
        }
        arena.release(to: mark)
      }
    }

    /// What all labels have in common.
    private func begin(
      image: Span<Float>, noise: Span<Float>, sigma: Float, keeping retention: Retention
    ) -> (UNet.Trunk, Preconditioning) {
      let shape = denoiser.shape
      precondition(
        image.count == shape.count && noise.count == shape.count,
        "image and noise need \(shape.count) values, got \(image.count) and \(noise.count)")
      let scaling = Preconditioning(
        sigma: sigma, sigmaData: denoiser.network.architecture.sigmaData)
      arena.release(to: .start)
      let x = denoiser.network.makeInput(images: 1, in: arena)
      forEachValue(of: x, shape) { pointer, i in
        pointer.pointee = scaling.input * (image[i] + sigma * noise[i])
      }
      return (denoiser.network.begin(x, keeping: retention, in: arena), scaling)
    }

    /// One run through the network: its label input, and which head answers at which index.
    typealias Pass = (label: Int?, outputs: [(index: Int, head: Int)])

    /// All labels in one pass where each has a head, else one each.
    func passes(_ labels: [Int?]) -> [Pass] {
      let routes = labels.map(route)
      guard denoiser.isMultiHead else {
        return routes.enumerated().map { ($1.label, [($0, $1.head)]) }
      }
      return routes.isEmpty ? [] : [(nil, routes.enumerated().map { ($0, $1.head) })]
    }

    /// The label input that a class needs, and the head that answers for it.
    private func route(_ label: Int?) -> (label: Int?, head: Int) {
      guard denoiser.isMultiHead else { return (label, 0) }
      guard let label, label < denoiser.classCount else {
        preconditionFailure(
          "a multi-head network of \(denoiser.classCount) classes was asked for "
            + (label.map { "class \($0)" } ?? "its unconditional mode"))
      }
      return (nil, label)
    }
  }
}

/// Visits every value of one head's channels in a map's first image, with its index in the planar
/// `[C, H, W]` order.
@inline(__always)
func forEachValue(
  of map: FeatureMap, _ shape: ImageShape, head: Int = 0,
  _ body: (UnsafeMutablePointer<Float>, Int) -> Void
) {
  for c in 0..<shape.channels {
    for y in 0..<shape.height {
      let row = map.row(y) + head * shape.channels + c
      for x in 0..<shape.width {
        body(row + x * map.stride, (c * shape.height + y) * shape.width + x)
      }
    }
  }
}
