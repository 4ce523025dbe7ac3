import Basics
import Experiments
import RunStore
import TestSupport
import Testing
import Training

/// Recipes that cannot be trained say so before anything is recorded.
@Suite struct RecipeTests {
  private func message<R: TrainingRecipe>(_ recipe: R.Type, _ text: String) throws -> String {
    let folder = try TemporaryFolder()
    let file = try folder.write("r.yaml", text)
    return ExperimentsTests.message {
      _ = try RecordedTraining(R(file: file), model: folder.file("m.safetensors"))
        .run(in: Session(threads: 1)) {
          throw ElbowError(.conflict, "the training would have begun")
        }
    }
  }

  @Test(arguments: [
    ("widht: 8", "did you mean 'width'?"), ("batch: 0", "'batch' must be in"),
    ("batch: many", "is no recipe: 'batch': "), ("width: 10", "multiple of 4"),
    ("contrast: 1\nepsilon: much", "r.yaml: 'epsilon' needs a number or a fraction as 8/255"),
    ("contrast: 1\nepsilon: 1\nnorm: l3", "r.yaml: no norm 'l3'"),
    ("init: fashion-mnist-small\nwidth: 8", "another architecture"),
    ("dataset: cifar11", "no dataset 'cifar11'"),
  ])
  func ofDiffusionModels(recipe: String, expected: String) throws {
    let message = try message(DiffusionRecipe.self, recipe)
    #expect(message.contains(expected), "\(message)")
  }

  @Test(arguments: [
    ("method: pdg", "did you mean 'pgd'?"), ("epsilon: 8/255", "needs a method that attacks"),
    ("method: pgd\nepsilon: much", "fraction as 8/255"), ("width: 10", "multiple of 4"),
    ("attention_resolutions: [7]", "no key 'attention_resolutions'"),
  ])
  func ofClassifiers(recipe: String, expected: String) throws {
    let message = try message(ClassifierRecipe.self, recipe)
    #expect(message.contains(expected), "\(message)")
  }

  @Test(arguments: [
    ("teacher_classes: 1", "at least 2"), ("teecher: a", "did you mean 'teacher'?"),
    ("teacher: nowhere", "no model 'nowhere'"),
    ("init: teacher\nmultipliers: [1, 1, 4]", "multipliers no smaller"),
    ("init: fashion-mnist-small", "another architecture"),
  ])
  func ofMultiHeadModels(recipe: String, expected: String) throws {
    let message = try message(MultiHeadRecipe.self, recipe)
    #expect(message.contains(expected), "\(message)")
  }
}
