import Basics
import Classifiers
import Engines
import Foundation
import Networks
import Records
import Synchronization
import TensorCore
import TestSupport
import Testing

/// An engine in another process answers as the same network here would, and its troubles are told.
struct EngineTests {
  private let folder: TemporaryFolder
  private let pool = WorkerPool(threads: 2)

  init() throws { folder = try TemporaryFolder() }

  private func client(_ trouble: String = "", options: String = "") throws -> EngineClient {
    try EngineClient(
      StandInEngine.command(in: folder.path, trouble, options: options), following: pool)
  }

  /// x, ε and the residual D(x + σε; σ, y) − x as the stand-in defines it.
  private let x = (0..<6).map { Float($0) / 4 - 0.7 }
  private let noise = (0..<6).map { Float(($0 * 5) % 7) / 3 - 1 }
  private func residual(_ sigma: Float, _ label: Int?) -> [Float] {
    let s = sigma * sigma / (sigma * sigma + 1)
    let mean = label.map { Float($0) / 10 - 0.5 } ?? 0
    return zip(x, noise).map { x, e in s * (mean - (x + sigma * e)) + sigma * e }
  }

  private func close(_ a: [Float], _ b: [Float], _ tolerance: Float = 1e-5) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }

  @Test func residualsAreThoseOfTheDenoiser() throws {
    let denoiser = try EngineDenoiser(client())
    #expect(denoiser.shape.count == 6 && denoiser.classCount == 4 && denoiser.isUnconditional)
    let labels = [3, nil, 0]
    var values = [Float](repeating: 0, count: 18)
    var output = values.mutableSpan
    try denoiser.makeSession().residuals(
      image: x.span, noise: noise.span, sigma: 0.7, labels: labels, into: &output)
    #expect(close(values, labels.flatMap { residual(0.7, $0) }))
  }

  @Test func gradientsAreThoseOfTheDenoiser() throws {
    let session = try EngineDenoiser(client()).makeSession()
    let (sigma, labels, factors): (Float, [Int?], [Float]) = (1.5, [2, nil], [2, -0.5])
    let s = sigma * sigma / (sigma * sigma + 1)
    func gradient(_ form: ResidualCotangent.Form) throws -> [Float] {
      var values = x
      var output = values.mutableSpan
      try session.gradient(
        image: x.span, noise: noise.span, sigma: sigma, labels: labels, into: &output,
        of: ResidualCotangent(form, factors: factors))
      return values
    }
    func expected(_ shape: (Float) -> Float) -> [Float] {
      x.indices.map { i in
        zip(labels, factors).reduce(0) { $0 - s * $1.1 * shape(residual(sigma, $1.0)[i]) }
      }
    }
    #expect(close(try gradient(.residual), expected { $0 }))
    #expect(close(try gradient(.sign), expected { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }))
    // A cotangent of any other kind takes two steps.
    var values = x
    var output = values.mutableSpan
    var seen: [[Float]] = []
    try session.gradient(
      image: x.span, noise: noise.span, sigma: sigma, labels: labels, into: &output
    ) { index, r in
      seen.append(r.indices.map { r[$0] })
      for i in r.indices { r[i] = Float(i) * factors[index] }
    }
    #expect(close(seen[1], residual(sigma, nil)))
    #expect(close(values, x.indices.map { -s * Float($0) * 1.5 }))
  }

  /// Calls of many threads go in batches that are not larger than the engine wants.
  @Test func callsAreBatched() throws {
    let log = folder.file("log")
    let client = try client(options: "--batch=16 --log='\(log)'")
    #expect(client.workers.count == 32)
    let denoiser = try EngineDenoiser(client)
    let wrong = Atomic(0)
    try client.workers.forEach(400) { item, _ in
      var values = [Float](repeating: 0, count: 6)
      var output = values.mutableSpan
      let sigma = Float(item % 9 + 1) / 4
      try denoiser.makeSession().residuals(
        image: x.span, noise: noise.span, sigma: sigma, labels: [item % 4], into: &output)
      if !close(values, residual(sigma, item % 4)) { wrong.wrappingAdd(1, ordering: .relaxed) }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    let rows = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
      .compactMap { Int($0.split(separator: " ")[1]) }
    #expect(rows.reduce(0, +) == 400)
    #expect(rows.max() ?? 0 <= 16)
    #expect(rows.count < 100, "\(rows)")
  }

  /// Which row it was is told of later messages of a call too.
  @Test func laterRowsAreNamed() throws {
    let session = try EngineDenoiser(try client("nan:2", options: "--batch=1")).makeSession()
    var values = [Float](repeating: 0, count: 3 * x.count)
    let error = #expect(throws: ElbowError.self) {
      var output = values.mutableSpan
      try session.residuals(
        image: x.span, noise: noise.span, sigma: 0.5, labels: [0, 3, 1], into: &output)
    }
    #expect(error?.message.contains("(σ = 0.5, class 3)") == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [
    ("die:2", "exit status 1"), ("die:2", "out of memory"), ("kill:2", "signal 9"),
    ("nan:2", "answered nan in row 0 of 1 to 'denoise' (σ = 0.5, class 1)"),
    ("short:2", "20 bytes to 'denoise', and 1 row of 6 Float32 take 24"),
    ("half:2", "ended in the middle of an answer"), ("error:2", "CUDA is on holiday"),
    ("print:2", "'step 3 of 4' where an answer should stand"), ("swap:2", "out of turn"),
    ("hang:2", "has not answered for 0.5 s"),
  ])
  func troublesAreTold(_ trouble: String, _ message: String) throws {
    let client = try client(trouble, options: "--patience=0.5")
    let session = try EngineDenoiser(client).makeSession()
    func evaluate() throws {
      var values = x
      var output = values.mutableSpan
      try session.residuals(
        image: x.span, noise: noise.span, sigma: 0.5, labels: [1], into: &output)
    }
    try evaluate()
    for _ in 0..<2 {
      let error = #expect(throws: ElbowError.self) { try evaluate() }
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
  }

  @Test(arguments: [
    ("silent", "", "no weights here"), ("chatty", "", "'loading ...', which is no hello"),
    ("", "--hash=xyz", "sha256"), ("", "--classes=1", "1 class"), ("", "--batch=0", "batch 0"),
  ])
  func hellosAreChecked(_ trouble: String, _ options: String, _ message: String) throws {
    let error = #expect(throws: ElbowError.self) { try client(trouble, options: options) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  /// What it has used is told: by the system, and of a GPU by itself.
  @Test func usageIsTold() throws {
    let client = try client(options: "--joules=2.5")
    #expect(client.usage.gpuEnergy == 1000 && client.usage.gpuMemory == 1 << 20)
    let session = try EngineDenoiser(client).makeSession()
    for _ in 0..<4 {
      var values = x
      var output = values.mutableSpan
      try session.residuals(
        image: x.span, noise: noise.span, sigma: 0.5, labels: [1], into: &output)
    }
    let usage = client.usage
    #expect(usage.gpuEnergy == 1010 && usage.gpuMemory == 4 << 20)
    #if os(Linux)
      #expect((usage.cpuSeconds ?? -1) >= 0 && (usage.peakMemory ?? 0) > 1 << 20)
    #endif
    let silent = try self.client()
    #expect(silent.usage.gpuEnergy == nil && silent.usage.gpuMemory == nil)
  }

  /// What says nothing is waited for, which a person is told, and given up with the session.
  @Test func silenceIsTold() throws {
    let pool = pool
    let told = Mutex<[String]>([])
    let watch = WorkWatch(update: { _ in }) { note in
      told.withLock { $0.append(note) }
      pool.cancel()
    }
    #expect(throws: CancellationError.self) {
      try EngineClient("sleep 60", following: pool, watch: watch)
    }
    #expect(told.withLock { $0.count == 1 && $0[0].contains("'sleep 60' to say hello") })
  }

  @Test func classifiersHaveTheirLogitsAndGradients() throws {
    let classifier = try EngineClassifier(client(options: "--kind=classifier"))
    let key = ImageKey(dataset: "d", split: "s", index: 0)
    let stream = NoiseStream(seed: 0, owner: .defence)
    let sum = x.enumerated().reduce(Float(0)) { $0 + $1.1 * Float($1.0 % 3) }
    let answer = try classifier.classify(x, key: key, stream: stream)
    #expect(close(answer.evidence.map { Float($0.elbo ?? 0) }, (1...4).map { Float($0) * sum }))
    #expect(answer.predicted == (sum > 0 ? 3 : 0))
    let result = try classifier.gradient(of: x, key: key, stream: stream) { _ in [1, 0, 0, -1] }
    #expect(close(result.gradient, x.indices.map { -3 * Float($0 % 3) }))
    #expect(result.cost == Cost(evaluations: 1, gradients: 1))
    #expect(throws: ElbowError.self) { try EngineDenoiser(client(options: "--kind=classifier")) }
  }

  /// Rows of one question, of several of the engine's batches, come back in their order.
  @Test func imagesGoToAnEngineTogether() throws {
    let classifier = try EngineClassifier(client(options: "--kind=classifier --batch=3"))
    let key = ImageKey(dataset: "d", split: "s", index: 0)
    let stream = NoiseStream(seed: 0, owner: .defence)
    let images = (0..<7).map { n in DrawnImage(x.map { $0 + Float(n) }, on: stream) }
    let slopes = (0..<7).map { n in (0..<4).map { Double(($0 + n) % 3) } }
    let passes = try classifier.passes(of: images, key: key, asking: GradientDemand())
    let back = try passes.pullback(slopes)
    for n in images.indices {
      let alone = try classifier.gradient(of: images[n].image, key: key, stream: stream) { _ in
        slopes[n]
      }
      #expect(passes.answers[n].logits == alone.logits)
      #expect(back.gradients[n] == alone.gradient)
    }
    #expect(back.cost == Cost(gradients: 7))
  }

  /// A cancelled session does not wait for an engine that hangs.
  @Test func waitingEndsWithTheSession() throws {
    let denoiser = try EngineDenoiser(client("hang:1"))
    let pool = pool
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      pool.cancel()
    }
    var values = x
    var output = values.mutableSpan
    #expect(throws: CancellationError.self) {
      try denoiser.makeSession().residuals(
        image: x.span, noise: noise.span, sigma: 0.5, labels: [1], into: &output)
    }
  }
}
