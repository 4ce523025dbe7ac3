import Basics
import Foundation
import Networks
import Testing

@Suite struct SafetensorsTests {
  private let path =
    FileManager.default.temporaryDirectory.path(percentEncoded: false)
    + "elbow-\(UUID().uuidString).safetensors"

  /// Header and bytes as they stand.
  private func write(_ header: String, _ bytes: [UInt8] = []) throws {
    var data = Data()
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: Array(header.utf8) + bytes)
    try data.write(to: URL(fileURLWithPath: path))
  }

  @Test func roundTripOfEveryType() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    // All exact in binary16 and bfloat16, subnormals of binary16 left out of the latter.
    let values: [Float] = [0, 1, -2, 0.5, 1.5, -0.25, 256, 3]
    try SafetensorsWriter.write(
      [
        "a": .init(shape: [2, 4], values: values + []),
        "b": .init(dtype: .f16, shape: [8], values: values),
        "c": .init(dtype: .bf16, shape: [4, 2], values: values),
        "d": .init(dtype: .i32, shape: [2], values: [-1, 7]),
        "e": .init(shape: [], values: [3.25]),
      ], metadata: ["note": "a \"quoted\" line"], to: path)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["note": "a \"quoted\" line"])
    #expect(try file.floats("a") == values)
    #expect(try file.floats("b") == values)
    #expect(try file.floats("c") == values)
    #expect(try file.floats("d") == [-1, 7])
    #expect(try file.floats("e") == [3.25])
    #expect(try file.entry("c").shape == [4, 2])
  }

  /// Against Swift's own Float16, over all its values and the midpoints between them.
  @Test func halvesRoundToNearestEven() throws {
    #if !(arch(x86_64) && os(macOS))
      defer { try? FileManager.default.removeItem(atPath: path) }
      var values: [Float] = []
      for bits in UInt16(0)..<0x7C00 {
        let here = Float(Float16(bitPattern: bits))
        let next = Float(Float16(bitPattern: bits + 1))
        values += [here, -here, next.isFinite ? (here + next) / 2 : 70000]
      }
      try SafetensorsWriter.write(
        ["h": .init(dtype: .f16, shape: [values.count], values: values)], to: path)
      let read = try SafetensorsFile(path: path).floats("h")
      #expect(read == values.map { Float(Float16($0)) })
    #endif
  }

  @Test func brainFloatsRoundToNearestEven() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    // 1 + 2⁻⁸ is halfway between 1 and 1 + 2⁻⁷; 1 + 3·2⁻⁸ halfway to 1 + 2⁻⁶.
    let values: [Float] = [1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-8 + 0x1p-20, -1 - 0x1p-9]
    try SafetensorsWriter.write(
      ["b": .init(dtype: .bf16, shape: [4], values: values)], to: path)
    #expect(
      try SafetensorsFile(path: path).floats("b") == [1, 1 + 0x1p-6, 1 + 0x1p-7, -1])
  }

  @Test(arguments: [
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "needs 12 bytes"),
    ("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "dtype F64"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "expected 0"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8, "malformed"),
    ("{\"a\":{\"shape\":[1]}}", 0, "lacks dtype"),
    ("{\"a\":", 0, "not JSON"),
    ("[1]", 0, "not a JSON object"),
  ])
  func brokenFilesAreRefused(header: String, bytes: Int, message: String) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(header, Array(repeating: 0, count: bytes))
    let error = try #require(throws: ElbowError.self) { try SafetensorsFile(path: path) }
    #expect(error.description.hasPrefix(path))
    #expect(error.description.contains(message), "\(error)")
  }

  @Test func otherFilesAreRefused() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(repeating: 0x50, count: 5000).write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: ElbowError.self) { try SafetensorsFile(path: path) }
    #expect(error.description.contains("no safetensors file"))
    let missing = try #require(throws: ElbowError.self) {
      try SafetensorsFile(path: path + ".none")
    }
    #expect(missing.description.contains("no such file"))
  }
}

@Suite struct CheckpointTests {
  /// The tensors of the CIFAR-10 fixture, as they would be written.
  private func tensors() throws -> [String: SafetensorsWriter.Tensor] {
    let file = try SafetensorsFile(path: fixture("edm-cifar10-width16"))
    return try Dictionary(
      uniqueKeysWithValues: file.entries.map { name, entry in
        (name, .init(shape: entry.shape, values: try file.floats(name)))
      })
  }

  private func checkpoint(
    _ tensors: [String: SafetensorsWriter.Tensor], metadata: [String: String] = [:]
  ) throws -> Checkpoint {
    let path =
      FileManager.default.temporaryDirectory.path(percentEncoded: false)
      + "checkpoint-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    return try Checkpoint(path: path)
  }

  @Test func shippedModelHasItsArchitectureInTheMetadata() throws {
    let checkpoint = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
    #expect(!checkpoint.isInferred)
    #expect(checkpoint.parameterCount == 744_401)
    #expect(try checkpoint.architecture(UNetArchitecture.self).multipliers == [1, 2, 4])
    #expect(checkpoint.architecture.classes == 10)
  }

  @Test func architectureIsInferredFromTensors() throws {
    let checkpoint = try Checkpoint(path: fixture("edm-cifar10-width16"))
    #expect(checkpoint.isInferred)
    #expect(
      try checkpoint.architecture(UNetArchitecture.self)
        == UNetArchitecture(
          resolution: 32, channels: 3, classes: 10, width: 16, multipliers: [2, 2, 2], blocks: 4,
          attentionResolutions: [16], augmentDimension: 9))
  }

  /// Public conditional checkpoints were trained without label dropout.
  @Test func onlyNetworksTrainedForItAreUnconditional() throws {
    #expect(try shippedDenoiser().isUnconditional)
    let converted = try Checkpoint(path: fixture("edm-cifar10-width16"))
    #expect(try !converted.makeDenoiser().isUnconditional)
    var tensors = try tensors()
    tensors["model.map_label.weight"] = nil
    tensors["model.map_label.bias"] = nil
    let unconditional = try checkpoint(tensors)
    #expect(unconditional.architecture.classes == 0)
    #expect(try unconditional.makeDenoiser().isUnconditional)
  }

  /// The public CIFAR-10 network: 55.7 M parameters, 42.4 GFLOP a forward pass.
  @Test func publicArchitectureHasItsSize() {
    let public_ = UNetArchitecture(
      resolution: 32, channels: 3, classes: 10, width: 128, multipliers: [2, 2, 2], blocks: 4,
      attentionResolutions: [16], augmentDimension: 9)
    let count = public_.parameterShapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
    #expect(abs(Double(count) - 55.7e6) < 0.05e6)
    #expect(abs(Double(public_.floatingPointOperations) - 42.4e9) < 0.05e9)
  }

  @Test func hashIsThatOfTheWeightsAlone() throws {
    let plain = try checkpoint(tensors())
    let noted = try checkpoint(tensors(), metadata: ["made": "elsewhere"])
    #expect(plain.sha256 == noted.sha256)
    var changed = try tensors()
    changed["model.map_layer0.bias"] = .init(
      shape: [64], values: Array(repeating: 0.125, count: 64))
    #expect(try checkpoint(changed).sha256 != plain.sha256)
  }

  @Test func buffersOfPublicFilesAreChecked() throws {
    var tensors = try tensors()
    tensors["model.enc.16x16_down.conv0.resample_filter"] = .init(
      shape: [1, 1, 2, 2], values: [0.25, 0.25, 0.25, 0.25])
    _ = try checkpoint(tensors)
    tensors["model.enc.16x16_down.conv0.resample_filter"] = .init(
      shape: [1, 1, 4, 4], values: Array(repeating: 1 / 16, count: 16))
    let error = try #require(throws: ElbowError.self) { try checkpoint(tensors) }
    #expect(error.description.contains("NCSN++"))
  }

  @Test func missingExtraAndMisshapenTensorsAreNamed() throws {
    func message(_ change: (inout [String: SafetensorsWriter.Tensor]) -> Void) throws -> String {
      var tensors = try tensors()
      change(&tensors)
      return try #require(throws: ElbowError.self) { try checkpoint(tensors) }.description
    }
    let name = "model.enc.32x32_block0.conv1.bias"
    #expect(try message { $0[name] = nil }.contains("no tensor '\(name)'"))
    #expect(
      try message { $0["model.extra"] = .init(shape: [1], values: [0]) }.contains("model.extra"))
    #expect(
      try message { $0[name] = .init(shape: [3], values: [0, 0, 0]) }.contains("shape [3]"))
  }

  @Test func weightsThatAreNotFiniteAreRefused() throws {
    var tensors = try tensors()
    tensors["model.map_layer0.bias"] = .init(
      shape: [64], values: Array(repeating: .nan, count: 64))
    let checkpoint = try checkpoint(tensors)
    #expect(throws: ElbowError.self) { try checkpoint.makeDenoiser() }
  }

  @Test func unknownModelsAreNamedWithASuggestion() throws {
    let error = try #require(throws: ElbowError.self) {
      try ShippedModels.path(of: "fashion-mnist-smal")
    }
    #expect(error.description.contains("did you mean 'fashion-mnist-small'"))
  }
}
