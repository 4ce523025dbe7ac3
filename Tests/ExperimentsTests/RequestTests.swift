import Basics
import Evaluation
import Experiments
import TestSupport
import Testing

/// What cannot be run says so before anything is recorded.
@Suite struct RequestTests {
  /// A folder is named so that it stays right elsewhere.
  @Test func foldersAreNamedFromTheRoot() throws {
    var request = try RequestKeys.request(["data": "some/folder/"])
    let data = try #require(request.data)
    #expect(data.hasPrefix("/") && data.hasSuffix("/some/folder"))
    request.move(to: nil)
    #expect(request.data == data)
    request.move(to: "/other/")
    #expect(request.data == "/other")
  }

  @Test(arguments: [
    (["strategy": "unifrm:3"], "did you mean 'uniform'"),
    (["strategy": "uniform:126"], "has 125"),
    (["grid": "linear:3:1:5"], "0 < LOW < HIGH"),
    (["weights": "emd"], "did you mean 'edm'"),
    (["precision": "fp8"], "there are fp32, bf16, auto"),
    (["prior": "0.5,0.5"], "has 2 probabilities, the model has 10"),
    (["images": "10001"], "the split has 0 to 9999"),
    (["attack": "apgd"], "apgd-ce, apgd-dlr, apgd-margin"),
    (["epsilon": "8/255"], "`epsilon` needs an attack"),
    (["attack": "fgsm", "attack-steps": "3"], "has no steps to choose"),
    (["classifier": "cnn"], "`classifier` cnn needs a classifier network"),
    (
      ["classifier": "cnn", "model": "m", "strategy": "full"],
      "`strategy` needs a classifier that weighs denoising losses"
    ),
    (["classifier": "lm+cnn", "model": "m", "lm": "l2"], "take `lm` paper"),
    (
      ["classifier": "cnn", "model": "fashion-mnist-small"],
      "is a diffusion model (edm-unet), not a classifier (resnet)"
    ),
    (["model": "fashion-mnist-cnn"], "is a classifier (resnet), not a diffusion model (edm-unet)"),
    (["lm": "paper"], "`classifier` rdc"),
    (["purify": "ode:0.3:5"], "`classifier` purify+dc or purify+cnn, not dc"),
    (
      ["classifier": "purify+dc", "purify": "pde:0.3:5"],
      "ode:SIGMA:STEPS[:DRAWS], sde:SIGMA:STEPS[:DRAWS] or denoise"
    ),
    (["classifier": "purify+dc", "purify": "ode:0.001:5"], "usual is 0.34"),
    (["classifier": "purify+dc", "purify": "denoise:0.3:5"], "not of the form"),
    (["randomized-smoothing": "-0.25"], "TAU in pixel units"),
    (["randomized-smoothing": "0.25:100"], "0.25:100:1000"),
    (["randomized-smoothing": "0.25:100:0"], "1 to 1000000 draws"),
    (["randomized-smoothing": "0.25", "losses": "true"], "keeps votes"),
    (["classifier": "epndc"], "add `randomized-smoothing`"),
    (
      ["classifier": "epndc", "randomized-smoothing": "0.25", "grid": "log:0.4:3:5"],
      "levels above the noise that its images have, σ = 0.5"
    ),
    (
      ["classifier": "purify+dc", "lm": "paper"],
      "`lm`, with its parameters, needs `classifier` rdc"
    ),
    (
      ["classifier": "purify+dc", "attack": "fgsm", "gradient": "smoothed"],
      "take the gradient exact or bpda"
    ),
    (
      ["classifier": "cnn", "model": "m", "attack": "apgd-lagrange"],
      "the attack apgd-lagrange, which keeps images likely, needs `classifier` dc"
    ),
    (["attack": "apgd-lagrange", "attack-lambda": "-1"], "`attack-lambda` must be 0 to"),
    (["attack": "fgsm", "gradient": "exact"], "the gradient exact"),
    (["model": "fashion"], "neither a file nor a shipped model"),
    (["dataset": "cifar10", "data": "/nonexistent"], "test_batch.bin: no such file"),
    (["seed": "x"], "`seed` needs a whole number"), (["losses": "maybe"], "must be true or false"),
    (["strateg": "full"], "did you mean 'strategy'"),
  ])
  func mistakesAreNamed(values: [String: String], expected: String) {
    let message = message {
      _ = try Experiment(RequestKeys.request(values))
        .prepare(in: Session(threads: 1), reading: nil)
    }
    #expect(message.contains(expected), "\(message)")
  }
}
