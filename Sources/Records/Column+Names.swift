import Basics

// Columns of the views and queries, by their names there; `about` in a database says what a row is.

extension Column<Double> {
  /// `accuracy`.
  public static let accuracy = Column("accuracy")
  /// `accuracy_high`.
  public static let accuracyHigh = Column("accuracy_high")
  /// `accuracy_low`.
  public static let accuracyLow = Column("accuracy_low")
  /// `accuracy_sd`.
  public static let accuracySD = Column("accuracy_sd")
  /// `cost`.
  public static let cost = Column("cost")
  /// `cpu_seconds`.
  public static let cpuSeconds = Column("cpu_seconds")
  /// `difference`.
  public static let difference = Column("difference")
  /// `elbo`.
  public static let elbo = Column("elbo")
  /// `epsilon`.
  public static let epsilon = Column("epsilon")
  /// `gradients_per_image`.
  public static let gradientsPerImage = Column("gradients_per_image")
  /// `images`.
  public static let images = Column("images")
  /// `largest_linf`.
  public static let largestLinf = Column("largest_linf")
  /// `n`.
  public static let n = Column("n")
  /// `n_correct`.
  public static let nCorrect = Column("n_correct")
  /// `n_differ`.
  public static let nDiffer = Column("n_differ")
  /// `n_done`.
  public static let nDone = Column("n_done")
  /// `n_robust`.
  public static let nRobust = Column("n_robust")
  /// `n_robustness`.
  public static let nRobustness = Column("n_robustness")
  /// `nfe_per_image`.
  public static let nfePerImage = Column("nfe_per_image")
  /// `peak_memory`.
  public static let peakMemory = Column("peak_memory")
  /// `sigma`.
  public static let sigma = Column("sigma")
  /// `square`.
  public static let square = Column("square")
  /// `step`.
  public static let step = Column("step")
  /// `value`.
  public static let value = Column("value")
  /// `wall_seconds`.
  public static let wallSeconds = Column("wall_seconds")
  /// `zero_gradients`.
  public static let zeroGradients = Column("zero_gradients")
}

extension Column<String> {
  /// `attack`.
  public static let attack = Column("attack")
  /// `class_names`.
  public static let classNames = Column("class_names")
  /// `classifier`.
  public static let classifier = Column("classifier")
  /// `id`.
  public static let id = Column("id")
  /// `inputs_run`.
  public static let inputsRun = Column("inputs_run")
  /// `lm`.
  public static let lm = Column("lm")
  /// `model`.
  public static let model = Column("model")
  /// `name`.
  public static let name = Column("name")
  /// `norm`.
  public static let norm = Column("norm")
  /// `note`.
  public static let note = Column("note")
  /// `purify`.
  public static let purify = Column("purify")
  /// `randomized_smoothing`.
  public static let randomizedSmoothing = Column("randomized_smoothing")
  /// `precision`.
  public static let precision = Column("precision")
  /// `run`.
  public static let run = Column("run")
  /// `started_at`.
  public static let startedAt = Column("started_at")
  /// `status`.
  public static let status = Column("status")
  /// `strategy`.
  public static let strategy = Column("strategy")
}
