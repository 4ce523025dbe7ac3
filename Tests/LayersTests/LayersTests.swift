import Basics
import Foundation
import Layers
import TensorCore
import Testing

func exponential(_ x: Double) -> Double { Foundation.exp(x) }

/// Every layer against its plain Double twin, forward and, by central differences of the twin,
/// backward. The twins' differences are good to 1e-9, so the tolerances are those of Float32 sums:
/// 1e-6 forward, 1e-5 backward (sums over a whole map).
@Suite struct LayersTests {
  struct Shape: CustomStringConvertible, Sendable {
    var inputs: Int
    var outputs: Int
    var height: Int
    var width: Int
    var description: String { "\(inputs)→\(outputs) \(height)×\(width)" }
  }

  static let shapes = [
    Shape(inputs: 1, outputs: 1, height: 1, width: 1),
    Shape(inputs: 1, outputs: 16, height: 3, width: 5),
    Shape(inputs: 3, outputs: 5, height: 4, width: 9),
    Shape(inputs: 16, outputs: 1, height: 7, width: 7),
    Shape(inputs: 17, outputs: 33, height: 2, width: 8),
    Shape(inputs: 4, outputs: 48, height: 2, width: 15),
    Shape(inputs: 16, outputs: 17, height: 5, width: 6),
    Shape(inputs: 18, outputs: 16, height: 11, width: 4),
  ]

  /// Every way to compute every shape that it can.
  struct ConvolutionCase: CustomStringConvertible, Sendable {
    var shape: Shape
    var kernel: Int
    var algorithm: ConvolutionAlgorithm
    var description: String { "\(shape) \(kernel)×\(kernel) \(algorithm)" }

    static let all = shapes.flatMap { shape in
      [ConvolutionCase(shape: shape, kernel: 1, algorithm: .direct)]
        + ConvolutionAlgorithm.allCases
        .filter { $0.smallestSide <= min(shape.height, shape.width) }
        .map { ConvolutionCase(shape: shape, kernel: 3, algorithm: $0) }
    }
  }

  @Test(arguments: ConvolutionCase.all)
  func convolution(testCase: ConvolutionCase) {
    let (shape, kernel) = (testCase.shape, testCase.kernel)
    let arena = Arena()
    let (inputs, outputs) = (shape.inputs, shape.outputs)
    let x = Plane.random(inputs, shape.height, shape.width, seed: 1)
    let addend = Plane.random(outputs, shape.height, shape.width, seed: 2)
    let weight = randoms(outputs * inputs * kernel * kernel, seed: 3)
    let bias = randoms(outputs, seed: 4)
    let layer = Convolution(
      weight: weight.map(Float.init), bias: bias.map(Float.init), inputs: inputs, outputs: outputs,
      kernel: kernel, side: min(shape.height, shape.width), algorithm: testCase.algorithm)
    let input = x.feature(border: 1, in: arena)
    // In place, as the network adds its skip paths.
    let output = addend.feature(border: 1, in: arena)
    layer.forward(input, into: output, addend: output, scale: 0.5, in: arena)
    let plain = Naive.convolution(x, weight: weight, bias: bias, outputs: outputs, kernel: kernel)
    #expect(Plane(output).error(to: (plain + addend).map { $0 / 2 }) < 1e-6)

    // The convolution is linear, so its gradients are exact inner products.
    let dy = Plane.random(outputs, shape.height, shape.width, seed: 5)
    let gradient = dy.feature(border: 1, in: arena)
    let dx = FeatureMap(height: shape.height, width: shape.width, channels: inputs, in: arena)
    layer.backward(gradient, into: dx, in: arena)
    let expected = Naive.gradient(at: x.values) { values in
      Naive.convolution(
        Plane(inputs, shape.height, shape.width, values), weight: weight, bias: bias,
        outputs: outputs, kernel: kernel
      ).dot(dy)
    }
    #expect(relativeError(Plane(dx).values, expected) < 1e-6)

    let dw = AlignedBuffer(count: layer.weightGradientCount)
    let db = AlignedBuffer(count: aligned(outputs))
    layer.accumulate(weight: dw.base, bias: db.base, x: input, dy: gradient, in: arena)
    let expectedWeight = Naive.gradient(at: weight) { values in
      Naive.convolution(x, weight: values, bias: bias, outputs: outputs, kernel: kernel).dot(dy)
    }
    #expect(relativeError(layer.weightGradient(dw.base).map(Double.init), expectedWeight) < 1e-6)
    let expectedBias = (0..<outputs).map { o in
      (0..<shape.height * shape.width).reduce(0.0) {
        $0 + dy.values[o * shape.height * shape.width + $1]
      }
    }
    #expect(relativeError((0..<outputs).map { Double(db.base[$0]) }, expectedBias) < 1e-6)
  }

  /// bfloat16 has 8 bits: an error of some thousandths, of nothing else, in both directions; an image's
  /// result is the same, to the last bit, in any company.
  @Test(
    arguments: [
      (ConvolutionAlgorithm.winograd2, 3, 0.006), (.winograd4, 3, 0.02), (.direct, 1, 0.004),
      (.winogradLines, 3, 0.01),
    ],
    [(18, 16, 10), (40, 80, 10), (128, 32, 28)])
  func narrowConvolution(
    way: (ConvolutionAlgorithm, Int, Double), shape: (Int, Int, Int)
  ) {
    let arena = Arena()
    let (algorithm, kernel, most) = way
    let (inputs, outputs, side) = shape
    let weight = randoms(outputs * inputs * kernel * kernel, seed: 3).map(Float.init)
    let bias = randoms(outputs, seed: 4).map(Float.init)
    func layer(_ precision: Precision) -> Convolution {
      Convolution(
        weight: weight, bias: bias, inputs: inputs, outputs: outputs, kernel: kernel,
        side: side, algorithm: algorithm, precision: precision)
    }
    let (single, narrow) = (layer(.fp32), layer(.bf16))
    func map(_ channels: Int, images: Int, border: Int = 1) -> FeatureMap {
      let map = FeatureMap(
        images: images, height: side, width: side, channels: channels, border: border, in: arena)
      map.clear()
      for image in 0..<images {
        let values = randoms(channels * side * side, seed: UInt64(10 + image)).map(Float.init)
        map[image].load(planar: values.span)
      }
      return map
    }
    let (x, dy) = (map(inputs, images: 3), map(outputs, images: 3))
    let skipped = map(outputs, images: 3, border: 0)
    // Each image with its own bias and addend.
    func forward(_ layer: Convolution, _ x: FeatureMap, _ addend: FeatureMap) -> FeatureMap {
      let y = map(outputs, images: x.images, border: 0)
      let biases = AlignedBuffer(
        (0..<x.images).flatMap { image in
          let own = Float(Plane(x[image]).values[0])
          return (0..<aligned(outputs)).map { $0 < outputs ? bias[$0] + own : 0 }
        })
      layer.forward(x, into: y, biases: biases.base, addend: addend, scale: 0.5, in: arena)
      return y
    }
    func backward(_ layer: Convolution, _ dy: FeatureMap) -> FeatureMap {
      let dx = map(inputs, images: dy.images, border: 0)
      layer.backward(dy, into: dx, in: arena)
      return dx
    }
    func error(_ a: FeatureMap, _ b: FeatureMap) -> Double {
      var (difference, norm) = (0.0, 0.0)
      for image in 0..<a.images {
        for (p, q) in zip(Plane(a[image]).values, Plane(b[image]).values) {
          difference += (p - q) * (p - q)
          norm += q * q
        }
      }
      return (difference / norm).squareRoot()
    }
    for error in [
      error(forward(narrow, x, skipped), forward(single, x, skipped)),
      error(backward(narrow, dy), backward(single, dy)),
    ] {
      #expect(error > 1e-4 && error < most, "\(error)")
    }
    let (all, gradients) = (forward(narrow, x, skipped), backward(narrow, dy))
    for image in 0..<3 {
      let alone = (forward(narrow, x[image], skipped[image]), backward(narrow, dy[image]))
      let isSame =
        Plane(alone.0).values == Plane(all[image]).values
        && Plane(alone.1).values == Plane(gradients[image]).values
      #expect(isSame, "image \(image)")
    }
    // In place, as the network adds its skip paths.
    let (place, apart) = (map(outputs, images: 3, border: 0), map(outputs, images: 3, border: 0))
    narrow.forward(x, into: place, addend: place, in: arena)
    narrow.forward(x, into: apart, addend: skipped, in: arena)
    for image in 0..<3 {
      let isSame = Plane(place[image]).values == Plane(apart[image]).values
      #expect(isSame, "image \(image) in place")
    }
  }

  @Test(arguments: [(1, 1, 2), (4, 3, 5), (8, 5, 3), (16, 7, 7), (160, 2, 2)], [true, false])
  func groupNorm(shape: (Int, Int, Int), activates: Bool) {
    let arena = Arena()
    let (channels, height, width) = shape
    let x = Plane.random(channels, height, width, seed: 6).map { $0 + 0.3 }
    let weight = randoms(channels, seed: 7).map { $0 + 1.5 }
    let bias = randoms(channels, seed: 8)
    let layer = GroupNorm(
      weight: weight.map { Float($0) }, bias: bias.map { Float($0) }, activates: activates)
    // Both sides see the Float parameters.
    let (gamma, beta) = (weight.map { Double(Float($0)) }, bias)
    let source = Plane(x.feature(in: arena))
    let input = x.feature(in: arena)
    let output = FeatureMap(
      height: height, width: width, channels: channels, border: 1, in: arena)
    let cache = layer.forward(input, into: output, in: arena)
    func plain(_ values: [Double], _ gamma: [Double], _ beta: [Double]) -> Plane {
      Naive.groupNorm(
        Plane(channels, height, width, values), weight: gamma, bias: beta, activates: activates)
    }
    #expect(Plane(output).error(to: plain(source.values, gamma, beta)) < 1e-6)

    let dy = Plane.random(channels, height, width, seed: 9)
    let addend = Plane.random(channels, height, width, seed: 10)
    let dx = FeatureMap(height: height, width: width, channels: channels, in: arena)
    let dWeight = AlignedBuffer(count: aligned(channels))
    let dBias = AlignedBuffer(count: aligned(channels))
    layer.backward(
      dy.feature(in: arena), x: input, cache: cache, into: dx, addend: addend.feature(in: arena),
      gradients: (dWeight.base, dBias.base), in: arena)
    let expected = Naive.gradient(at: source.values) { plain($0, gamma, beta).dot(dy) }
    #expect(Plane(dx).error(to: Plane(channels, height, width, expected) + addend) < 1e-5)
    let expectedWeight = Naive.gradient(at: gamma) { plain(source.values, $0, beta).dot(dy) }
    #expect(
      relativeError((0..<channels).map { Double(dWeight.base[$0]) }, expectedWeight) < 1e-5)
    let expectedBias = Naive.gradient(at: beta) { plain(source.values, gamma, $0).dot(dy) }
    #expect(relativeError((0..<channels).map { Double(dBias.base[$0]) }, expectedBias) < 1e-5)
  }

  @Test(arguments: [(4, 2), (2, 4), (6, 6)])
  func resampling(sides: (from: Int, to: Int)) {
    let arena = Arena()
    let x = Plane.random(5, sides.from, sides.from, seed: 11)
    let output = FeatureMap(height: sides.to, width: sides.to, channels: 5, border: 1, in: arena)
    resample(x.feature(in: arena), into: output)
    let plain = Naive.resample(x, toHeight: sides.to, width: sides.to)
    #expect(Plane(output).error(to: plain) < 1e-7)
    let dy = Plane.random(5, sides.to, sides.to, seed: 12)
    let dx = FeatureMap(height: sides.from, width: sides.from, channels: 5, in: arena)
    resampleBackward(dy.feature(in: arena), into: dx)
    let expected = Naive.gradient(at: x.values) {
      Naive.resample(
        Plane(5, sides.from, sides.from, $0), toHeight: sides.to, width: sides.to
      ).dot(dy)
    }
    #expect(relativeError(Plane(dx).values, expected) < 1e-6)
  }

  @Test(arguments: [(1, 1, 1), (4, 1, 3), (16, 7, 7), (5, 3, 3)])
  func attention(shape: (Int, Int, Int)) {
    let arena = Arena()
    let (channels, height, width) = shape
    let x = Plane.random(3 * channels, height, width, seed: 13).map { $0 * 2 }
    let input = x.feature(in: arena)
    let output = FeatureMap(height: height, width: width, channels: channels, in: arena)
    let cache = Attention.forward(input, into: output, in: arena)
    #expect(Plane(output).error(to: Naive.attention(x)) < 1e-6)
    guard channels * height * width < 100 else { return }
    let dy = Plane.random(channels, height, width, seed: 14)
    let dx = FeatureMap(height: height, width: width, channels: 3 * channels, in: arena)
    Attention.backward(
      dy.feature(in: arena), qkv: input, cache: cache, into: dx, in: arena)
    let expected = Naive.gradient(at: x.values) {
      Naive.attention(Plane(3 * channels, height, width, $0)).dot(dy)
    }
    // A single position has no gradient to q and k: compare absolutely there.
    let error = zip(Plane(dx).values, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(error < 2e-6)
  }

  @Test func linear() {
    let (inputs, outputs) = (7, 5)
    let weight = randoms(inputs * outputs, seed: 15)
    let bias = randoms(outputs, seed: 16)
    let x = randoms(inputs, seed: 17)
    let dy = randoms(outputs, seed: 18)
    let layer = Linear(
      weight: weight.map(Float.init), bias: bias.map(Float.init), inputs: inputs, outputs: outputs)
    var y = [Float](repeating: 0, count: outputs)
    layer.forward(x.map(Float.init), into: &y)
    let plain = (0..<outputs).map { o in
      (0..<inputs).reduce(bias[o]) { $0 + weight[o * inputs + $1] * x[$1] }
    }
    #expect(relativeError(y.map(Double.init), plain) < 1e-6)
    var dx = [Float](repeating: 1, count: inputs)
    layer.backward(dy.map(Float.init), into: &dx)
    let expected = (0..<inputs).map { i in
      (0..<outputs).reduce(1.0) { $0 + weight[$1 * inputs + i] * dy[$1] }
    }
    #expect(relativeError(dx.map(Double.init), expected) < 1e-6)
    var dw = [Float](repeating: 0, count: inputs * outputs)
    var db = [Float](repeating: 0, count: outputs)
    layer.accumulate(weight: &dw, bias: &db, x: x.map(Float.init), dy: dy.map(Float.init))
    #expect(dw[1 * inputs + 2] == Float(dy[1]) * Float(x[2]))
    #expect(db == dy.map(Float.init))
  }

  @Test func elementwise() {
    let arena = Arena()
    let first = Plane.random(5, 2, 3, seed: 19)
    let second = Plane.random(18, 2, 3, seed: 20)
    let joined = FeatureMap(height: 2, width: 3, channels: 23, in: arena)
    concatenate(first.feature(in: arena), second.feature(in: arena), into: joined)
    #expect(Plane(joined).values == first.values + second.values)
    let dFirst = FeatureMap(height: 2, width: 3, channels: 5, in: arena)
    let dSecond = second.feature(border: 1, in: arena)
    concatenateBackward(joined, into: dFirst, adding: dSecond)
    #expect(Plane(dFirst) == first)
    #expect(Plane(dSecond) == second.map { 2 * $0 })

    let x = randoms(9, seed: 21).map { $0 * 6 }
    var y = [Float](repeating: 0, count: 9)
    silu(x.map(Float.init), into: &y, count: 9)
    #expect(relativeError(y.map(Double.init), x.map { $0 * Naive.sigmoid($0) }) < 1e-6)
    let dy = randoms(9, seed: 22)
    var dx = dy.map(Float.init)
    siluBackward(dy.map(Float.init), at: x.map(Float.init), into: &dx, count: 9)
    let expected = Naive.gradient(at: x) { values in
      zip(values, dy).reduce(0) { $0 + $1.0 * Naive.sigmoid($1.0) * $1.1 }
    }
    #expect(relativeError(dx.map(Double.init), expected) < 1e-5)
  }
}
