import Layers
import TensorCore
import Testing

/// Layers over signals, maps of one row, against plain loops.
@Suite struct SignalTests {
  private static let shapes = [(1, 1, 1), (1, 16, 7), (17, 33, 12), (16, 5, 24)]

  /// y_o[t] = b_o + Σ_i Σ_k w_oik x_i[t + k − 1].
  private func convolved(
    _ x: [Double], _ weight: [Double], _ bias: [Double], inputs: Int, length: Int
  ) -> [Double] {
    bias.indices.flatMap { o in
      (0..<length).map { t in
        var sum = bias[o]
        for i in 0..<inputs {
          for k in 0..<3 where (0..<length).contains(t + k - 1) {
            sum += weight[(o * inputs + i) * 3 + k] * x[i * length + t + k - 1]
          }
        }
        return sum
      }
    }
  }

  /// Forward as it stands in the definition; the gradients of this linear map as its exact inner
  /// products. Tolerances are those of Float32 sums.
  @Test(arguments: shapes)
  func convolutionsOfThreePoints(shape: (inputs: Int, outputs: Int, length: Int)) {
    let (inputs, outputs, length) = shape
    let arena = Arena()
    let x = randoms(inputs * length, seed: 1)
    let weight = randoms(outputs * inputs * 3, seed: 2)
    let bias = randoms(outputs, seed: 3)
    let layer = Convolution(
      weight: weight.map(Float.init), bias: bias.map(Float.init), inputs: inputs, outputs: outputs,
      kernel: 3, kernelRows: 1, side: length)
    let input = Plane(inputs, 1, length, x).feature(border: 1, in: arena)
    let output = FeatureMap(height: 1, width: length, channels: outputs, in: arena)
    layer.forward(input, into: output, in: arena)
    let expected = convolved(x, weight, bias, inputs: inputs, length: length)
    #expect(relativeError(Plane(output).values, expected) < 1e-6)

    let dy = randoms(outputs * length, seed: 4)
    let gradient = Plane(outputs, 1, length, dy).feature(border: 1, in: arena)
    let dx = FeatureMap(height: 1, width: length, channels: inputs, in: arena)
    layer.backward(gradient, into: dx, in: arena)
    let dw = AlignedBuffer(count: layer.weightGradientCount)
    let db = AlignedBuffer(count: aligned(outputs))
    layer.accumulate(weight: dw.base, bias: db.base, x: input, dy: gradient, in: arena)
    let zero = [Double](repeating: 0, count: outputs)
    func derivative(_ x: [Double], _ weight: [Double]) -> Double {
      zip(convolved(x, weight, zero, inputs: inputs, length: length), dy)
        .reduce(0) { $0 + $1.0 * $1.1 }
    }
    func units(_ count: Int, _ body: ([Double]) -> Double) -> [Double] {
      (0..<count).map { i in body((0..<count).map { $0 == i ? 1 : 0 }) }
    }
    #expect(
      relativeError(Plane(dx).values, units(x.count) { derivative($0, weight) }) < 1e-6)
    #expect(
      relativeError(
        layer.weightGradient(dw.base).map(Double.init), units(weight.count) { derivative(x, $0) })
        < 1e-5)
    for o in 0..<outputs {
      let sum = dy[o * length..<(o + 1) * length].reduce(0, +)
      #expect(abs(Double(db.base[o]) - sum) < 1e-5)
    }
  }

  /// Along the row alone; backward is the adjoint of forward.
  @Test func resamplingIsAlongTheRow() {
    let arena = Arena()
    func map(_ values: [Double]) -> FeatureMap {
      Plane(1, 1, values.count, values).feature(in: arena)
    }
    let low = map([0, 0])
    resample(map([1, 3, 5, 6]), into: low)
    #expect(Plane(low).values == [2, 5.5])
    let high = map([0, 0, 0, 0])
    resample(map([1, 3]), into: high)
    #expect(Plane(high).values == [1, 1, 3, 3])
    for (from, to) in [(6, 12), (12, 6), (5, 5)] {
      let (x, dy) = (randoms(from, seed: 5), randoms(to, seed: 6))
      let (y, dx) = (map(dy.map { _ in 0 }), map(x.map { _ in 0 }))
      resample(map(x), into: y)
      resampleBackward(map(dy), into: dx)
      let forward = zip(Plane(y).values, dy).reduce(0) { $0 + $1.0 * $1.1 }
      let backward = zip(x, Plane(dx).values).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(forward - backward) < 1e-6)
    }
  }
}
