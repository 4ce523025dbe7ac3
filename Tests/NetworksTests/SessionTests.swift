import Basics
import Foundation
import Networks
import TestSupport
import Testing

/// One image and noise, 28×28.
private let image = (0..<784).map { Float($0 % 17) / 8.5 - 1 }
private let noise = (0..<784).map { Float(($0 * 7) % 23) / 11.5 - 1 }

private func residuals(
  _ session: any DenoiserSession, _ labels: [Int?], sigma: Float = 0.7
) throws -> [[Float]] {
  var values = [Float](repeating: 0, count: labels.count * 784)
  var output = values.mutableSpan
  try session.residuals(
    image: image.span, noise: noise.span, sigma: sigma, labels: labels, into: &output)
  return labels.indices.map { Array(values[$0 * 784..<($0 + 1) * 784]) }
}

/// The gradient of Σ_y c_y·‖r_y‖²/2 at `x`, and the residuals that it saw.
private func gradient(
  _ session: any DenoiserSession, _ labels: [Int?], factors: [Float], sigma: Float = 0.7
) throws -> (gradient: [Float], seen: [[Float]]) {
  var values = image
  var seen: [[Float]] = []
  var output = values.mutableSpan
  try session.gradient(
    image: image.span, noise: noise.span, sigma: sigma, labels: labels, into: &output
  ) { index, r in
    seen.append((0..<784).map { r[$0] })
    for i in 0..<784 { r[i] *= factors[index] }
  }
  return (values, seen)
}

/// The shipped network without its label input, its last convolution varied for each of 10 heads;
/// with `head`, the same network with that head alone.
private func multiHead(only head: Int? = nil) throws -> EDMDenoiser {
  let checkpoint = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
  var architecture = try checkpoint.architecture(UNetArchitecture.self)
  (architecture.classes, architecture.heads) = head == nil ? (10, 10) : (0, 1)
  let network = try UNet(architecture) { name, shape in
    let values = try checkpoint.file.floats(name)
    guard name.contains("aux_conv") else { return values }
    return (head.map { [$0] } ?? Array(0..<10)).flatMap { k in
      values.enumerated().map { $1 * (1 + 0.2 * Float(($0 * 31 + k * 7) % 11 - 5)) }
    }
  }
  return EDMDenoiser(network, isUnconditional: true)
}

@Suite struct SessionTests {
  /// Any grouping and order of labels gives each the bits it has alone, forward and on the way to a
  /// gradient.
  @Test(arguments: [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, nil], [nil, 9, 3], [4], [7, 7]] as [[Int?]])
  func labelsDoNotChangeEachOther(labels: [Int?]) throws {
    let denoiser = try shippedDenoiser()
    let together = try residuals(denoiser.makeSession(), labels)
    let alone = try labels.map { try residuals(denoiser.makeSession(), [$0])[0] }
    #expect(together == alone)
    let factors = labels.indices.map { Float($0 + 1) }
    let (sum, seen) = try gradient(denoiser.makeSession(), labels, factors: factors)
    #expect(seen == alone)
    let parts = try zip(labels, factors).map {
      try gradient(denoiser.makeSession(), [$0], factors: [$1]).gradient
    }
    let expected = (0..<784).map { i in parts.reduce(0) { $0 + $1[i] } }
    #expect(relativeError(sum, expected) < 1e-6)
  }

  /// The forward pass keeps less where no parameter's gradient is asked for.
  @Test func inputGradientsNeedNoParameters() throws {
    let denoiser = try shippedDenoiser()
    let session = EDMDenoiser.Session(denoiser)
    let labels: [Int?] = [3, nil, 0]
    let alone = try gradient(session, labels, factors: [1, -0.5, 2])
    var values = image
    var output = values.mutableSpan
    var seen: [[Float]] = []
    session.gradient(
      image: image.span, noise: noise.span, sigma: 0.7, labels: labels, into: &output,
      adding: denoiser.network.makeGradients()
    ) { index, r in
      seen.append((0..<784).map { r[$0] })
      for i in 0..<784 { r[i] *= [1, -0.5, 2][index] }
    }
    #expect(values == alone.gradient)
    #expect(seen == alone.seen)
  }

  /// Each head is what a network with that head alone computes, forward and backward: Float32's
  /// rounding apart, as sums may be taken in another order.
  @Test func headsAreNetworksOfTheirOwn() throws {
    let denoiser = try multiHead()
    #expect(denoiser.isMultiHead && !denoiser.isUnconditional && denoiser.classCount == 10)
    let labels = [3, 0, 9]
    let factors: [Float] = [1, -0.5, 2]
    let together = try residuals(denoiser.makeSession(), labels)
    let (sum, seen) = try gradient(denoiser.makeSession(), labels, factors: factors)
    #expect(seen == together)
    #expect(try residuals(denoiser.makeSession(), [9])[0] == together[2])
    var expected = [Float](repeating: 0, count: 784)
    for (index, label) in labels.enumerated() {
      let single = try multiHead(only: label).makeSession()
      #expect(try relativeError(together[index], residuals(single, [nil])[0]) < 1e-5)
      let part = try gradient(single, [nil], factors: [factors[index]]).gradient
      for i in 0..<784 { expected[i] += part[i] }
    }
    #expect(relativeError(sum, expected) < 1e-4)
    #expect(together[0] != together[1])
  }

  /// A group of evaluations reads the head of each one's class, forward and backward.
  @Test func groupsReadTheHeadOfEachClass() throws {
    let denoiser = try multiHead()
    let labels = [3, 0, 9]
    let queries = labels.map {
      DenoisingQuery(image: image, noise: noise, sigma: 0.7, label: $0)
    }
    let session = EDMDenoiser.Session(denoiser)
    let expected = try residuals(denoiser.makeSession(), labels)
    session.evaluate(queries) { index, residual in
      #expect(residual.withUnsafeBufferPointer { Array($0) } == expected[index])
    }
    let alone = try labels.map {
      try gradient(denoiser.makeSession(), [$0], factors: [1]).gradient
    }
    session.differentiate(queries, cotangent: { _, _ in }) { index, found in
      #expect(found.withUnsafeBufferPointer { Array($0) } == alone[index])
    }
  }
}

@Suite struct HeadsTests {
  private let shipped = UNetArchitecture(
    resolution: 28, channels: 1, classes: 10, width: 16, multipliers: [1, 2, 4], blocks: 1,
    attentionResolutions: [7])

  /// One head leaves no trace: JSON, and so hashes of records, stay what they were.
  @Test func oneHeadIsNeutral() throws {
    #expect(
      try shipped.json
        == #"{"attention_resolutions":[7],"blocks":1,"channels":1,"classes":10,"kind":"edm-unet","#
        + #""multipliers":[1,2,4],"resolution":28,"sigma_data":0.5,"width":16}"#)
    #expect(shipped.heads == 1 && shipped.labelInputs == 10)
  }

  @Test func headsStandInTheMetadataAndAreInferred() throws {
    var architecture = shipped
    architecture.heads = 10
    #expect(try architecture.json.contains(#""heads":10"#))
    #expect(architecture.labelInputs == 0 && architecture.problem == nil)
    #expect(
      try JSONDecoder().decode(UNetArchitecture.self, from: Data(architecture.json.utf8))
        == architecture)
    var wrong = architecture
    wrong.heads = 3
    #expect(wrong.problem?.contains("3 heads for 10 classes") == true)

    let folder = try TemporaryFolder()
    let path = folder.file("heads.safetensors")
    var tensors: [String: SafetensorsWriter.Tensor] = [:]
    for (name, shape) in architecture.parameterShapes {
      tensors[name] = .init(
        shape: shape, values: [Float](repeating: 0.01, count: shape.reduce(1, *)))
    }
    #expect(tensors["model.map_label.weight"] == nil)
    #expect(
      architecture.parameterShapes.contains {
        $0.name == "model.dec.28x28_aux_conv.weight" && $0.shape == [10, 16, 3, 3]
      })
    for metadata in [["architecture": try architecture.json], [:]] {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
      let checkpoint = try Checkpoint(path: path)
      #expect(try checkpoint.architecture(UNetArchitecture.self) == architecture)
      #expect(try checkpoint.record(name: "m").isMultiHead)
      #expect(try !checkpoint.makeDenoiser().isUnconditional)
      try FileManager.default.removeItem(atPath: path)
    }
    let ordinary = try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small"))
    #expect(try !ordinary.record(name: "m").isMultiHead)
  }

  /// Saved values of the unconditional network cannot be asked of one that has none.
  @Test func referencesWithoutLabelAreRefused() throws {
    let file = try SafetensorsFile(path: fixture("denoiser-small"))
    #expect(try file.floats("label").contains { $0 < 0 })
    #expect(throws: ElbowError.self) { try DenoiserReference(file, for: multiHead()) }
  }
}
