import Basics
import Classifiers
import Foundation
import Networks
import Records
import TensorCore
import Testing

func fixture(_ name: String) -> String {
  Bundle.module.bundlePath + "/Fixtures/\(name).safetensors"
}

let key = ImageKey(dataset: "test-set", split: "test", index: 7)
let defence = NoiseStream(seed: 3, owner: .defence)

func shippedDenoiser() throws -> EDMDenoiser {
  try Checkpoint(path: ShippedModels.path(of: "fashion-mnist-small")).makeDenoiser()
}

/// A 28×28 picture, pixel units, with flat parts and edges.
let picture: [Float] = (0..<784).map { i in
  let (y, x) = (i / 28, i % 28)
  return (8..<20).contains(x) && (4..<26).contains(y) ? 0.2 + Float((x * y) % 13) / 20 : 0
}

@Suite struct NoiseKeyTests {
  /// Made with Python's hashlib and struct from the documented layout.
  @Test func streamsAreNamedAsDocumented() {
    var random = NoiseKey(defence, .classification, key, sigma: 0.5, draw: 2, label: 4).random()
    #expect(random.nextWord() == 0xe6e70fc9)
  }

  @Test func everyPartOfTheKeyCounts() {
    let base = NoiseKey(defence, .classification, key, sigma: 0.5)
    var others = [base, base, base, base, base, base, base, base]
    others[0].stream.seed = 4
    others[1].stream.owner = .attack(step: 0, eot: 0)
    others[2].purpose = .maximization
    others[3].image.index = 8
    others[4].image.split = "train"
    others[5].sigma = Float(0.5).nextUp
    others[6].draw = 1
    others[7].label = 0
    others.append(base)
    others[8].stream.owner = .attack(step: 1, eot: 0)
    others.append(base)
    others[9].stream.owner = .attack(step: 0, eot: 1)
    let first = ([base] + others).map { key in
      var random = key.random()
      return random.next()
    }
    #expect(Set(first).count == first.count)
  }
}

@Suite struct NoiseGridTests {
  @Test func linearHasLeftEnds() throws {
    let grid = try NoiseGrid("linear:1e-4:3:125")
    #expect(grid.spelling == "linear:0.0001:3:125")
    #expect(grid.count == 125)
    #expect(grid.levels[0].sigma == 1e-4)
    #expect(abs(Double(grid.levels[124].sigma) - (3 - (3 - 1e-4) / 125)) < 1e-6)
    #expect(grid.levels.allSatisfy { abs($0.width - (3 - 1e-4) / 125) < 1e-12 })
  }

  @Test func logHasMidpointsAndItsCells() throws {
    let grid = try NoiseGrid("log:0.01:1:4")
    #expect(abs(Double(grid.levels[0].sigma) - pow(10, -1.75)) < 1e-7)
    #expect(abs(grid.levels.reduce(0) { $0 + $1.width } - 0.99) < 1e-12)
  }

  /// scipy.stats.norm.ppf([1/8, 3/8, 5/8, 7/8]).
  @Test func quantileHasCellsOfEqualProbability() throws {
    let grid = try NoiseGrid("quantile:4")
    for (level, z) in zip(
      grid.levels,
      [
        -1.150_349_380_376_008, -0.318_639_363_964_375_2, 0.318_639_363_964_375_2,
        1.150_349_380_376_008,
      ])
    { #expect(abs(Double(level.sigma) / exp(-1.2 + 1.2 * z) - 1) < 1e-6) }
    // Σ f(σ)·p(σ)·Δσ is the mean of f over the levels.
    func p(_ s: Double) -> Double {
      let z = (log(s) + 1.2) / 1.2
      return exp(-z * z / 2) / (s * 1.2 * (2 * Double.pi).squareRoot())
    }
    for level in grid.levels {
      #expect(abs(p(Double(level.sigma)) * level.width - 0.25) < 1e-6)
    }
    // Far tails still converge.
    #expect(try NoiseGrid("quantile:20000").count == 20000)
  }

  @Test func karrasGoesFromEndToEnd() throws {
    let grid = try NoiseGrid("karras:0.002:80:18")
    #expect(grid.levels[0].sigma == 0.002)
    #expect(abs(grid.levels[17].sigma - 80) < 1e-4)
    #expect(abs(grid.levels.reduce(0) { $0 + $1.width } - 79.998) < 1e-9)
  }

  /// numpy.polynomial.legendre.leggauss(5); and exact for polynomials up to degree 2n − 1.
  @Test func legendreNodesIntegratePolynomials() throws {
    let grid = try NoiseGrid("legendre:1:3:5")
    #expect(abs(Double(grid.levels[0].sigma) - (2 - 0.906_179_845_938_664)) < 1e-6)
    #expect(abs(grid.levels[2].width - 0.568_888_888_888_888_9) < 1e-12)
    let big = try NoiseGrid("legendre:1e-4:3:1000")
    #expect(abs(big.levels.reduce(0) { $0 + $1.width } - 2.9999) < 1e-10)
    let cubic = big.levels.reduce(0) { $0 + $1.width * pow(Double($1.sigma), 3) }
    #expect(abs(cubic / (81 / 4) - 1) < 1e-6)
  }

  @Test(arguments: [
    "linar:1:2:3", "linear:1:2", "linear:0:2:3", "linear:2:1:3", "linear:1:2:0", "linear:1:2:x",
    "linear:nan:2:3", "linear:1:inf:3", "linear:1:1e300:2", "log:1e-60:3:5", "legendre:1:3:5001",
    "quantile:1:2", "quantile:0", "", "linear:1:1.0000001:100",
  ])
  func malformed(text: String) {
    #expect(throws: ElbowError.self) { try NoiseGrid(text) }
  }

  @Test func weights() throws {
    // λ·p at σ = 0.5, by hand: λ = 0.5/0.0625 = 8; z = (ln 0.5 + 1.2)/1.2.
    let z = (log(0.5) + 1.2) / 1.2
    let norm = 0.5 * 1.2 * (2 * Double.pi).squareRoot()
    let edm = 8 * exp(-z * z / 2) / norm
    #expect(abs(try NoiseWeights("edm")(0.5) / edm - 1) < 1e-12)
    let distance = (log(0.5) + 1.2) * 1.2
    let released = 8 * exp(-distance * distance / 2) / norm
    #expect(abs(try NoiseWeights("edm-as-released")(0.5) / released - 1) < 1e-12)
    #expect(try NoiseWeights("elbo")(0.5) == 8)
    #expect(try NoiseWeights("snr")(0.5) == 4)
    #expect(try NoiseWeights("uniform")(0.5) == 1)
    #expect(throws: ElbowError.self) { try NoiseWeights("emd") }
  }
}
