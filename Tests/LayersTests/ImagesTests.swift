import Layers
import TensorCore
import Testing

/// Maps of several images against their images alone: forward and to the input to the last bit, and
/// gradients of parameters, whose order of summation differs, to Float32's rounding.
@Suite struct ImagesTests {
  private static let count = 5

  private func map(
    _ planes: [Plane], border: Int = 0, in arena: Arena
  ) -> FeatureMap {
    let map = FeatureMap(
      images: planes.count, height: planes[0].height, width: planes[0].width,
      channels: planes[0].channels, border: border, in: arena)
    for (image, plane) in planes.enumerated() {
      let one = plane.feature(border: border, in: arena)
      map[image].base.update(from: one.base, count: map.imageStride)
    }
    return map
  }

  private func planes(_ channels: Int, _ side: Int, seed: UInt64) -> [Plane] {
    (0..<Self.count).map { .random(channels, side, side, seed: seed + UInt64($0)) }
  }

  @Test(
    arguments: ConvolutionAlgorithm.allCases,
    [(17, 33, 7, 3), (16, 16, 28, 3), (20, 40, 4, 1), (128, 16, 28, 3)])
  func convolution(algorithm: ConvolutionAlgorithm, shape: (Int, Int, Int, Int)) {
    let (inputs, outputs, side, kernel) = shape
    guard kernel == 3 || algorithm == .direct else { return }
    let arena = Arena()
    let layer = Convolution(
      weight: randoms(outputs * inputs * kernel * kernel, seed: 1).map(Float.init),
      bias: randoms(outputs, seed: 2).map(Float.init), inputs: inputs, outputs: outputs,
      kernel: kernel, side: side, algorithm: algorithm)
    let stride = aligned(outputs)
    let biases = AlignedBuffer(randoms(Self.count * stride, seed: 3).map(Float.init))
    let x = map(planes(inputs, side, seed: 10), border: kernel / 2, in: arena)
    let dy = map(planes(outputs, side, seed: 20), border: kernel / 2, in: arena)
    let y = map(planes(outputs, side, seed: 30), in: arena)
    let dx = map(planes(inputs, side, seed: 40), in: arena)
    layer.forward(x, into: y, biases: biases.base, in: arena)
    layer.backward(dy, into: dx, in: arena)
    let dw = AlignedBuffer(count: layer.weightGradientCount)
    let db = AlignedBuffer(count: stride)
    layer.accumulate(weight: dw.base, bias: db.base, x: x, dy: dy, in: arena)
    let single = AlignedBuffer(count: layer.weightGradientCount)
    let singleBias = AlignedBuffer(count: stride)
    for image in 0..<Self.count {
      let one = FeatureMap(like: y[image], channels: outputs, in: arena)
      layer.forward(x[image], into: one, biases: biases.base + image * stride, in: arena)
      #expect(Plane(one) == Plane(y[image]))
      let back = FeatureMap(like: dx[image], channels: inputs, in: arena)
      layer.backward(dy[image], into: back, in: arena)
      #expect(Plane(back) == Plane(dx[image]))
      layer.accumulate(
        weight: single.base, bias: singleBias.base, x: x[image], dy: dy[image], in: arena)
    }
    func values(_ buffer: AlignedBuffer) -> [Double] {
      layer.weightGradient(buffer.base).map(Double.init)
    }
    #expect(relativeError(values(dw), values(single)) < 1e-6)
    #expect((0..<outputs).allSatisfy { abs(db.base[$0] - singleBias.base[$0]) < 1e-4 })
  }

  @Test func normAndAttention() {
    let arena = Arena()
    let norm = GroupNorm(
      weight: randoms(12, seed: 4).map { Float($0) + 1 },
      bias: randoms(12, seed: 5).map(Float.init), activates: true)
    let x = map(planes(12, 6, seed: 50), in: arena)
    let dy = planes(12, 6, seed: 60)
    let (y, dx) = (map(dy, in: arena), map(dy, in: arena))
    let cache = norm.forward(x, into: y, in: arena)
    norm.backward(map(dy, in: arena), x: x, cache: cache, into: dx, in: arena)
    let attended = FeatureMap(like: x, channels: 4, in: arena)
    let weights = Attention.forward(x, into: attended, in: arena)
    let dqkv = FeatureMap(like: x, channels: 12, in: arena)
    Attention.backward(attended, qkv: x, cache: weights, into: dqkv, in: arena)
    for image in 0..<Self.count {
      let (one, back) = (map([dy[image]], in: arena), map([dy[image]], in: arena))
      let cache = norm.forward(x[image], into: one, in: arena)
      #expect(Plane(one) == Plane(y[image]))
      norm.backward(map([dy[image]], in: arena), x: x[image], cache: cache, into: back, in: arena)
      #expect(Plane(back) == Plane(dx[image]))
      let attendedOne = FeatureMap(like: x[image], channels: 4, in: arena)
      let weights = Attention.forward(x[image], into: attendedOne, in: arena)
      #expect(Plane(attendedOne) == Plane(attended[image]))
      let dqkvOne = FeatureMap(like: x[image], channels: 12, in: arena)
      Attention.backward(attendedOne, qkv: x[image], cache: weights, into: dqkvOne, in: arena)
      #expect(Plane(dqkvOne) == Plane(dqkv[image]))
    }
  }
}
