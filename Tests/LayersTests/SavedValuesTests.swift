import Foundation
import Layers
import Networks
import TensorCore
import Testing

/// Every layer, forward and backward, against values that PyTorch computed in Float64; 1e-6 is what
/// Float32 sums of this length keep.
@Suite struct SavedValuesTests {
  private let file: SafetensorsFile
  private let arena = Arena()

  init() throws {
    file = try SafetensorsFile(path: Bundle.module.bundlePath + "/Fixtures/layers.safetensors")
  }

  private func values(_ name: String) throws -> [Float] { try file.floats(name) }

  private func plane(_ name: String) throws -> Plane {
    let shape = try file.entry(name).shape
    return Plane(shape[0], shape[1], shape[2], try values(name).map(Double.init))
  }

  private func expect(_ found: [Float], _ name: String) throws {
    #expect(
      relativeError(found.map(Double.init), try values(name).map(Double.init)) < 1e-6, "\(name)")
  }

  private func expect(_ map: FeatureMap, _ name: String) throws {
    #expect(Plane(map).error(to: try plane(name)) < 1e-6, "\(name)")
  }

  private func map(like name: String, border: Int = 0) throws -> FeatureMap {
    let shape = try file.entry(name).shape
    return FeatureMap(
      height: shape[1], width: shape[2], channels: shape[0], border: border, in: arena)
  }

  @Test(arguments: [
    ("conv1", ConvolutionAlgorithm.direct), ("conv3", .direct), ("conv3", .winograd2),
    ("conv3", .winograd4),
  ])
  func convolution(name: String, algorithm: ConvolutionAlgorithm) throws {
    let shape = try file.entry("\(name).weight").shape
    let layer = Convolution(
      weight: try values("\(name).weight"), bias: try values("\(name).bias"), inputs: shape[1],
      outputs: shape[0], kernel: shape[2], side: 4, algorithm: algorithm)
    let x = try plane("\(name).x").feature(border: 1, in: arena)
    let y = try map(like: "\(name).y")
    layer.forward(x, into: y, in: arena)
    try expect(y, "\(name).y")
    let dy = try plane("\(name).dy").feature(border: 1, in: arena)
    let dx = try map(like: "\(name).dx")
    layer.backward(dy, into: dx, in: arena)
    try expect(dx, "\(name).dx")
    let dw = AlignedBuffer(count: layer.weightGradientCount)
    let db = AlignedBuffer(count: aligned(shape[0]))
    layer.accumulate(weight: dw.base, bias: db.base, x: x, dy: dy, in: arena)
    try expect(layer.weightGradient(dw.base), "\(name).dweight")
    try expect((0..<shape[0]).map { db.base[$0] }, "\(name).dbias")
  }

  @Test func groupNormWithSiLU() throws {
    let layer = GroupNorm(
      weight: try values("norm.weight"), bias: try values("norm.bias"), activates: true)
    let x = try plane("norm.x").feature(in: arena)
    let y = try map(like: "norm.y", border: 1)
    let cache = layer.forward(x, into: y, in: arena)
    try expect(y, "norm.y")
    let dx = try map(like: "norm.dx")
    let (dw, db) = (AlignedBuffer(count: 16), AlignedBuffer(count: 16))
    layer.backward(
      try plane("norm.dy").feature(in: arena), x: x, cache: cache, into: dx,
      gradients: (dw.base, db.base), in: arena)
    try expect(dx, "norm.dx")
    try expect((0..<16).map { dw.base[$0] }, "norm.dweight")
    try expect((0..<16).map { db.base[$0] }, "norm.dbias")
  }

  @Test func attention() throws {
    let x = try plane("attention.x").feature(in: arena)
    let y = try map(like: "attention.y")
    let cache = Attention.forward(x, into: y, in: arena)
    try expect(y, "attention.y")
    let dx = try map(like: "attention.dx")
    Attention.backward(
      try plane("attention.dy").feature(in: arena), qkv: x, cache: cache, into: dx, in: arena)
    try expect(dx, "attention.dx")
  }

  @Test func linear() throws {
    let layer = Linear(
      weight: try values("linear.weight"), bias: try values("linear.bias"), inputs: 7, outputs: 5)
    let (x, dy) = (try values("linear.x"), try values("linear.dy"))
    var (y, dx) = ([Float](repeating: 0, count: 5), [Float](repeating: 0, count: 7))
    layer.forward(x, into: &y)
    try expect(y, "linear.y")
    layer.backward(dy, into: &dx)
    try expect(dx, "linear.dx")
    var (dw, db) = ([Float](repeating: 0, count: 35), [Float](repeating: 0, count: 5))
    layer.accumulate(weight: &dw, bias: &db, x: x, dy: dy)
    try expect(dw, "linear.dweight")
    try expect(db, "linear.dbias")
  }

  @Test(arguments: ["up", "down"])
  func resampling(name: String) throws {
    let y = try map(like: "\(name).y", border: 1)
    resample(try plane("\(name).x").feature(in: arena), into: y)
    try expect(y, "\(name).y")
    let dx = try map(like: "\(name).dx")
    resampleBackward(try plane("\(name).dy").feature(in: arena), into: dx)
    try expect(dx, "\(name).dx")
  }

  @Test func siluAlone() throws {
    let x = try values("silu.x")
    var y = [Float](repeating: 0, count: x.count)
    silu(x, into: &y, count: x.count)
    try expect(y, "silu.y")
    var gradient = try values("silu.dy")
    siluBackward(try values("silu.dy"), at: x, into: &gradient, count: x.count)
    try expect(gradient, "silu.dx")
  }
}
