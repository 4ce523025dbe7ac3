import Datasets
import TestSupport
import Testing
import Training

@Suite struct SignalTrainingTests {
  private static let series: [[Float]] = [[0, 5, 1, 4, 2, 3, 8, 9], [9, 0, 0, 3, 2, 8, 1, 7]]

  /// What leaves at one end comes back at the other: every example is its series, begun elsewhere.
  @Test func shiftsComeBackAtTheOtherEnd() throws {
    let folder = try TemporaryFolder()
    let lines = Self.series.map { $0.map(String.init(describing:)).joined(separator: ",") }
    let text = "@classLabel true a b\n@data\n\(lines[0]):a\n\(lines[1]):b\n\(lines[0]):a\n"
    try folder.write("S_TRAIN.ts", text)
    let set = try DatasetCatalog.load("series", split: "train", directory: folder.path)
    var recipe = DiffusionRecipe()
    (recipe.dataset, recipe.flip, recipe.heldOut, recipe.batch) = ("series", false, 1, 32)
    (recipe.shift, recipe.labelDropout) = (20, 0)
    #expect(recipe.problem(images: 3)?.contains("'shift'") == true)
    recipe.wrap = true
    #expect(recipe.problem(images: 3) == nil)
    let architecture = recipe.architecture(for: set)
    #expect(architecture.dimensions == 1 && architecture.resolution == 8)
    var examples = DiffusionExamples(recipe, dataset: set)
    var starts: Set<Int> = []
    for example in examples.batch(at: 0) {
      let own = set.pixels(at: example.label == 0 ? 0 : 1).map { 2 * $0 - 1 }
      let start = (0..<8).first { start in
        zip(example.image, own[start...] + own[..<start]).allSatisfy { abs($0 - $1) < 1e-5 }
      }
      starts.insert(try #require(start))
    }
    #expect(starts.count > 4)
    // Without, what comes in is the lowest value, and nothing moves between rows.
    (recipe.wrap, recipe.shift) = (nil, 2)
    examples = DiffusionExamples(recipe, dataset: set)
    #expect(
      examples.batch(at: 0).allSatisfy { example in
        example.image.count { abs($0 - -1) < 1e-6 } <= 2 && example.image.max() ?? 0 > 0
      })
  }
}
