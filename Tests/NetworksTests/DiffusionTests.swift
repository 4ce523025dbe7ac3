import Foundation
import Networks
import TestSupport
import Testing

/// A file of this target's fixtures.
func fixture(_ name: String) -> String {
  Bundle.module.bundlePath + "/Fixtures/\(name).safetensors"
}

func shippedDenoiser() throws -> EDMDenoiser {
  try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small")).makeDenoiser()
}

/// The whole network against the saved Float64 values of an independent implementation, row by row;
/// tolerances as in the fixtures' README.
@Suite struct ParityTests {
  @Test(arguments: [
    ("fashion-mnist-small", "denoiser-small"),
    ("edm-cifar10-width16", "denoiser-edm-cifar10-width16"),
  ])
  func denoiserAndInputGradient(model: String, reference: String) throws {
    let path = model == "fashion-mnist-small" ? try ShippedModels.path(of: model) : fixture(model)
    let denoiser = try Checkpoint(path: path).makeDenoiser()
    let file = try SafetensorsFile(path: fixture(reference))
    let worst = try DenoiserReference(file, for: denoiser).compare(denoiser)
    #expect(worst.map(\.tensor) == ["denoised", "gradient"])
    #expect(worst[0].error < 1e-5)
    #expect(worst[1].error < 1e-3)
    // Every row on its own, with its own noise level's tolerance.
    let sigma = try file.floats("sigma")
    for row in sigma.indices where sigma[row] >= 0.05 {
      let one = try DenoiserReference(file.row(row), for: denoiser).compare(denoiser)
      #expect(one[1].error < 1e-4, "gradient at σ = \(sigma[row])")
    }
  }

  @Test func losses() throws {
    let denoiser = try shippedDenoiser()
    let file = try SafetensorsFile(path: fixture("losses-small"))
    let (x, sigma) = (try file.floats("x"), try file.floats("sigma"))
    let (noise, expected) = (try file.floats("noise"), try file.floats("losses"))
    let size = denoiser.shape.count
    let session = denoiser.makeSession()
    var residual = [Float](repeating: 0, count: size)
    var (worstFirst, worst) = (0.0, 0.0)
    for image in 0..<16 {
      let pixels = Array(x[image * size..<(image + 1) * size])
      for level in sigma.indices {
        let start = (image * sigma.count + level) * size
        let epsilon = Array(noise[start..<start + size])
        for label in 0..<10 {
          var output = residual.mutableSpan
          try session.residuals(
            image: pixels.span, noise: epsilon.span, sigma: sigma[level], labels: [label],
            into: &output)
          let loss = residual.reduce(0.0) { $0 + Double($1) * Double($1) }
          let saved = Double(expected[(image * 10 + label) * sigma.count + level])
          let error = abs(loss - saved) / saved
          if level == 0 { worstFirst = max(worstFirst, error) } else { worst = max(worst, error) }
        }
      }
    }
    #expect(worst < 1e-5)
    #expect(worstFirst < 1e-3)
  }

  /// One evaluation is the same to the last bit whatever ran before it on the same session.
  @Test func resultsDoNotDependOnHistory() throws {
    let denoiser = try shippedDenoiser()
    let size = denoiser.shape.count
    let image = (0..<size).map { Float($0 % 17) / 8.5 - 1 }
    let noise = (0..<size).map { Float(($0 * 7) % 23) / 11.5 - 1 }
    func evaluate(_ session: any DenoiserSession, _ label: Int?) throws -> [Float] {
      var residual = [Float](repeating: 0, count: size)
      var output = residual.mutableSpan
      try session.residuals(
        image: image.span, noise: noise.span, sigma: 0.7, labels: [label], into: &output)
      return residual
    }
    let fresh = try evaluate(denoiser.makeSession(), 3)
    let used = denoiser.makeSession()
    for label in [nil, 0, 9] { _ = try evaluate(used, label) }
    #expect(try evaluate(used, 3) == fresh)
  }

  /// Evaluations in groups are those alone, to the last bit, also where a group is not full.
  @Test func resultsDoNotDependOnTheGroup() throws {
    let denoiser = try shippedDenoiser()
    let size = denoiser.shape.count
    func pattern(_ factor: Int, _ period: Int, from first: Int) -> [Float] {
      (0..<size).map { i -> Float in
        2 * Float((i * factor + first) % period) / Float(period) - 1
      }
    }
    let queries = (0..<11).map { i -> DenoisingQuery in
      DenoisingQuery(
        image: pattern(1, 17, from: i), noise: pattern(7, 23, from: i),
        sigma: 0.05 + 0.2 * Float(i), label: i == 10 ? nil : i)
    }
    let (single, grouped) = (denoiser.makeSession(), EDMDenoiser.Session(denoiser))
    var (residuals, gradients): ([[Float]], [[Float]]) = ([], [])
    grouped.evaluate(queries) { _, residual in
      residuals.append(residual.withUnsafeBufferPointer { Array($0) })
    }
    grouped.differentiate(
      queries,
      cotangent: { _, residual in
        for i in residual.indices { residual[i] *= 3 }
      }
    ) { _, gradient in
      gradients.append(gradient.withUnsafeBufferPointer { Array($0) })
    }
    for (index, query) in queries.enumerated() {
      var (residual, gradient) = (query.image, query.image)
      var output = residual.mutableSpan
      try single.residuals(
        image: query.image.span, noise: query.noise.span, sigma: query.sigma,
        labels: query.labels, into: &output)
      #expect(residuals[index] == residual)
      var pulled = gradient.mutableSpan
      try single.gradient(
        image: query.image.span, noise: query.noise.span, sigma: query.sigma,
        labels: query.labels, into: &pulled
      ) { _, residual in
        for i in residual.indices { residual[i] *= 3 }
      }
      #expect(gradients[index] == gradient)
    }
  }

  /// A query of several labels has the residuals of each alone, to the last bit, and the sum of their
  /// gradients; more labels than a group holds make no difference.
  @Test func queriesOfSeveralLabelsAreTheirSum() throws {
    let denoiser = try shippedDenoiser()
    let size = denoiser.shape.count
    let image = (0..<size).map { Float($0 % 17) / 8.5 - 1 }
    let noise = (0..<size).map { Float(($0 * 7) % 23) / 11.5 - 1 }
    let labels: [[Int?]] = [[4, nil], [7], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, nil], [2, 2, 5]]
    func query(_ labels: [Int?], _ i: Int) -> DenoisingQuery {
      DenoisingQuery(image: image, noise: noise, sigma: 0.2 + 0.3 * Float(i), labels: labels)
    }
    let session = EDMDenoiser.Session(denoiser)
    func differentiate(_ queries: [DenoisingQuery]) -> (seen: [[Float]], gradients: [[Float]]) {
      var (seen, gradients): ([[Float]], [[Float]]) = ([], [])
      session.differentiate(queries) { _, residuals in
        seen.append((0..<residuals.count).map { residuals[$0] })
      } _: { _, gradient in
        gradients.append(gradient.withUnsafeBufferPointer { Array($0) })
      }
      return (seen, gradients)
    }
    let queries = labels.enumerated().map { query($1, $0) }
    let (seen, gradients) = differentiate(queries)
    var residuals: [[Float]] = []
    session.evaluate(queries) { index, values in
      #expect(index == residuals.count)
      residuals.append(values.withUnsafeBufferPointer { Array($0) })
    }
    #expect(seen == residuals)
    for (i, labels) in labels.enumerated() {
      let alone = labels.map { differentiate([query([$0], i)]) }
      #expect(residuals[i] == alone.flatMap { $0.seen[0] })
      let sum = (0..<size).map { j in alone.reduce(0) { $0 + $1.gradients[0][j] } }
      #expect(relativeError(gradients[i], sum) < 1e-6)
    }
  }
}

extension SafetensorsFile {
  /// The file's tensors cut down to one row, written to a temporary file and read back.
  fileprivate func row(_ row: Int) throws -> SafetensorsFile {
    let folder = try TemporaryFolder()
    let path = folder.file("row.safetensors")
    var tensors: [String: SafetensorsWriter.Tensor] = [:]
    for (name, entry) in entries {
      let values = try floats(name)
      let size = values.count / entry.shape[0]
      tensors[name] = .init(
        shape: [1] + entry.shape.dropFirst(), values: Array(values[row * size..<(row + 1) * size]))
    }
    try SafetensorsWriter.write(tensors, to: path)
    return try SafetensorsFile(path: path)
  }
}

@Suite struct ShippedModelsTests {
  /// Every file is what its name says, and builds.
  @Test(arguments: ShippedModels.names) func shippedModelsBuild(name: String) throws {
    let checkpoint = try Checkpoint(path: ShippedModels.path(of: name))
    guard !name.contains("cnn") else {
      #expect(try checkpoint.makeResNet().architecture.classes == 10)
      return
    }
    let denoiser = try checkpoint.makeDenoiser()
    #expect(denoiser.classCount == 10)
    #expect(denoiser.isMultiHead == name.hasSuffix("multi-head"))
    #expect(denoiser.isUnconditional == !denoiser.isMultiHead)
  }

  @Test func theDefaultModelShips() {
    #expect(ShippedModels.names.contains(ShippedModels.standard))
  }
}
