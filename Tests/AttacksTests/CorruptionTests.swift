import Attacks
import Classifiers
import Foundation
import Records
import TensorCore
import Testing

/// Corruptions against Pillow 11 and SciPy, bit for bit or nearly.
@Suite struct CorruptionTests {
  private let shape = ImageShape(channels: 1, height: 12, width: 12)
  private let levels = (0..<144).map { i in
    (i / 12 * (i % 12) * 3 + (i % 12 > 5 ? 40 : 0) + i / 12 * 11) % 256
  }

  private func corrupted(
    _ kind: Corruption.Kind, _ severity: Int, _ levels: [Int]? = nil, channels: Int = 1
  ) -> [Int] {
    let shape = ImageShape(channels: channels, height: 12, width: 12)
    var random = RandomStream(key: SIMD2(1, 2), counter: SIMD3(3, 4, 5))
    let image = (levels ?? self.levels).map { Float($0) / 255 }
    return Corruption(kind, severity: severity).apply(to: image, of: shape, &random).map {
      let level = (Double($0) * 255).rounded()
      #expect(Float(level) / 255 == $0)
      return Int(level)
    }
  }

  private func farthest(_ a: [Int], _ b: [Int]) -> Int {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test func fewerPixelsAreThoseOfABoxFilter() {
    #expect(corrupted(.pixelate, 1) == Self.pixelated95)
    #expect(corrupted(.pixelate, 5) == Self.pixelated65)
  }

  /// An integer codec rounds in between: a level or two.
  @Test func compressionIsBaselineJPEG() {
    #expect(farthest(corrupted(.jpeg, 1), Self.compressed80) <= 2)
    #expect(farthest(corrupted(.jpeg, 5), Self.compressed40) <= 2)
    #expect(
      corrupted(.jpeg, 3, Array(repeating: 128, count: 144)) == Array(repeating: 128, count: 144))
  }

  /// Colours of their own go through half size; grey in three channels is grey.
  @Test func colourIsCompressedAsColour() {
    let grey = corrupted(.jpeg, 2, levels + levels + levels, channels: 3)
    #expect(farthest(grey, Array([[Int]](repeating: corrupted(.jpeg, 2), count: 3).joined())) <= 1)
    let red = Array(repeating: 200, count: 144) + Array(repeating: 30, count: 288)
    #expect(farthest(corrupted(.jpeg, 1, red, channels: 3), red) <= 4)
  }

  @Test func blurAndContrastAreThoseOfTheFilter() {
    #expect(farthest(corrupted(.blur, 5), Self.blurred) <= 1)
    #expect(farthest(corrupted(.contrast, 4), Self.contrasted) <= 1)
    #expect(
      corrupted(.blur, 2, Array(repeating: 77, count: 144)) == Array(repeating: 77, count: 144))
  }

  @Test func brightnessRaisesTheLargestChannel() {
    #expect(corrupted(.brightness, 5) == levels.map { min($0 * 10 + 765, 2550) / 10 })
    // Hue and saturation stay: all channels grow alike.
    let colour =
      Array(repeating: 100, count: 144) + Array(repeating: 50, count: 144)
      + Array(repeating: 0, count: 144)
    let bright = corrupted(.brightness, 2, colour, channels: 3)
    #expect(bright[0] == 125 && bright[144] == 62 && bright[288] == 0)
  }

  @Test func noiseHasItsDeviation() {
    let grey = corrupted(.noise, 5, Array(repeating: 128, count: 144))
    let deviation = (grey.reduce(0.0) { $0 + pow(Double($1) - 128, 2) } / 144).squareRoot() / 255
    #expect(abs(deviation - 0.1) < 0.02)
  }

  @Test func occlusionIsOneGreySquare() {
    for (severity, side) in [(1, 2), (3, 4), (5, 7)] {
      let hidden = corrupted(.occlusion, severity, Array(repeating: 9, count: 144))
      #expect(hidden.count { $0 == 127 } == side * side)
      #expect(hidden.allSatisfy { $0 == 127 || $0 == 9 })
    }
  }

  /// A higher severity of every kind moves the image farther, as a run makes it.
  @Test(arguments: Corruption.Kind.allCases)
  func severitiesRise(kind: Corruption.Kind) throws {
    let image = levels.map { Float($0) / 255 }
    let classifier = LinearClassifier(shape: shape)
    let distances = try [1, 3, 5].map { severity in
      var c = try Attacks.usual("corruption-\(kind.rawValue)")
      c.epsilon = Double(severity)
      let made = try Attacks.make(c, classCount: 4, shape: shape).perturb(
        image, label: 0, key: LinearClassifier.key, seed: 3, defence: LinearClassifier.stream,
        against: classifier)
      #expect(made.cost == Cost() && made.loss.isNaN)
      return made.l2
    }
    #expect(distances[0] > 0)
    // Which pixels fall together decides more than how many.
    if kind != .pixelate { #expect(distances == distances.sorted()) }
  }

  private static let pixelated95 = [
    0, 0, 0, 0, 0, 20, 20, 40, 40, 40, 40, 40, 11, 14, 17, 20, 23, 48, 48, 72, 75, 78, 81, 84, 22,
    28, 34, 40, 46, 75, 75, 104, 110, 116, 122, 128, 33, 42, 51, 60, 69, 103, 103, 136, 145, 154,
    163, 172, 44, 56, 68, 80, 92, 130, 130, 168, 180, 192, 204, 216, 61, 77, 94, 110, 127, 172,
    172, 216, 233, 121, 138, 26, 61, 77, 94, 110, 127, 172, 172, 216, 233, 121, 138, 26, 77, 98,
    119, 140, 161, 213, 213, 8, 29, 50, 71, 92, 88, 112, 136, 160, 184, 112, 112, 40, 64, 88, 112,
    136, 99, 126, 153, 180, 207, 140, 140, 72, 99, 126, 153, 180, 110, 140, 170, 200, 230, 39, 39,
    104, 134, 164, 194, 224, 121, 154, 187, 220, 253, 67, 67, 136, 169, 202, 235, 12,
  ]
  private static let pixelated65 = [
    7, 7, 9, 11, 11, 34, 34, 57, 57, 59, 62, 62, 7, 7, 9, 11, 11, 34, 34, 57, 57, 59, 62, 62, 25,
    25, 34, 43, 43, 75, 75, 107, 107, 116, 125, 125, 44, 44, 60, 76, 76, 117, 117, 158, 158, 173,
    189, 189, 44, 44, 60, 76, 76, 117, 117, 158, 158, 173, 189, 189, 69, 69, 94, 119, 119, 172,
    172, 225, 225, 121, 82, 82, 69, 69, 94, 119, 119, 172, 172, 225, 225, 121, 82, 82, 94, 94,
    128, 162, 162, 163, 163, 36, 36, 69, 103, 103, 94, 94, 128, 162, 162, 163, 163, 36, 36, 69,
    103, 103, 113, 113, 153, 194, 194, 140, 140, 86, 86, 126, 167, 167, 132, 132, 179, 226, 226,
    53, 53, 136, 136, 183, 167, 167, 132, 132, 179, 226, 226, 53, 53, 136, 136, 183, 167, 167,
  ]
  private static let compressed80 = [
    5, 0, 3, 4, 0, 4, 36, 32, 40, 35, 43, 48, 6, 30, 24, 13, 13, 26, 75, 86, 78, 73, 90, 73, 27,
    33, 24, 47, 49, 56, 95, 93, 114, 121, 129, 121, 41, 30, 48, 77, 56, 79, 134, 140, 137, 149,
    145, 187, 47, 47, 75, 82, 81, 114, 150, 164, 191, 194, 225, 210, 54, 67, 85, 93, 128, 131,
    170, 216, 209, 230, 232, 11, 61, 86, 108, 119, 143, 142, 228, 221, 254, 17, 36, 45, 82, 97,
    117, 135, 163, 188, 236, 11, 27, 45, 68, 89, 83, 111, 134, 156, 200, 193, 20, 37, 63, 87, 114,
    137, 113, 124, 164, 168, 194, 250, 45, 77, 106, 123, 147, 180, 93, 148, 163, 203, 237, 0, 75,
    101, 125, 162, 219, 207, 135, 147, 189, 215, 255, 25, 101, 133, 182, 200, 214, 16,
  ]
  private static let compressed40 = [
    6, 0, 0, 14, 11, 8, 48, 30, 47, 43, 38, 36, 3, 27, 25, 29, 3, 11, 75, 69, 77, 61, 67, 93, 0,
    34, 41, 46, 27, 49, 117, 105, 71, 123, 150, 125, 25, 35, 36, 69, 71, 84, 134, 117, 190, 133,
    126, 184, 65, 54, 51, 97, 93, 87, 150, 165, 152, 213, 236, 203, 55, 64, 75, 114, 103, 110,
    200, 236, 199, 255, 209, 45, 47, 82, 94, 122, 134, 169, 221, 185, 237, 68, 0, 33, 82, 120,
    114, 128, 168, 215, 186, 41, 18, 46, 77, 93, 86, 93, 124, 169, 192, 213, 27, 33, 66, 93, 86,
    127, 116, 137, 166, 200, 214, 176, 62, 86, 98, 146, 160, 181, 99, 139, 164, 188, 199, 71, 57,
    100, 100, 169, 206, 189, 114, 164, 187, 214, 233, 29, 90, 137, 179, 218, 206, 58,
  ]
  private static let blurred = [
    4, 5, 6, 7, 10, 21, 38, 49, 52, 53, 54, 55, 12, 15, 18, 21, 26, 39, 58, 71, 77, 80, 83, 85,
    24, 28, 34, 40, 48, 64, 86, 101, 109, 116, 121, 125, 36, 42, 51, 60, 71, 90, 114, 133, 144,
    152, 157, 157, 48, 56, 68, 80, 94, 115, 143, 164, 174, 177, 170, 153, 60, 70, 85, 100, 117,
    140, 167, 183, 181, 165, 140, 106, 72, 85, 102, 120, 139, 159, 172, 166, 145, 116, 93, 75, 84,
    99, 119, 139, 158, 164, 145, 114, 93, 83, 84, 89, 96, 113, 136, 158, 171, 156, 112, 80, 79,
    93, 111, 126, 108, 127, 152, 174, 176, 141, 97, 84, 100, 125, 146, 159, 120, 140, 168, 188,
    172, 122, 94, 105, 131, 156, 166, 156, 128, 150, 179, 198, 173, 115, 99, 123, 155, 177, 164,
    115,
  ]
  private static let contrasted = [
    75, 75, 75, 75, 75, 75, 87, 87, 87, 87, 87, 87, 78, 79, 80, 81, 81, 82, 95, 96, 97, 98, 99,
    100, 81, 83, 85, 87, 88, 90, 104, 106, 108, 109, 111, 113, 84, 87, 90, 93, 95, 98, 113, 115,
    118, 121, 123, 126, 88, 91, 95, 99, 102, 106, 121, 125, 129, 132, 136, 139, 91, 96, 100, 105,
    109, 114, 130, 135, 139, 144, 148, 76, 94, 100, 105, 111, 116, 121, 139, 144, 150, 78, 84, 89,
    98, 104, 110, 117, 123, 129, 147, 77, 83, 90, 96, 102, 101, 108, 115, 123, 130, 137, 79, 87,
    94, 101, 108, 115, 104, 112, 120, 129, 137, 145, 88, 96, 104, 112, 120, 129, 108, 117, 126,
    135, 144, 76, 97, 106, 115, 124, 133, 142, 111, 121, 131, 141, 150, 84, 105, 115, 125, 135,
    145, 78,
  ]
}
