/// How a 95 % interval was found, in the words that stand beside it.
public enum IntervalMethod: String, Hashable, Sendable {
  /// Of a proportion: `WilsonInterval`.
  case wilson = "Wilson score"
  /// Of two proportions on the same images: `PairedCounts.deltaInterval`.
  case bonettPrice = "Bonett–Price"
  /// The same: `PairedCounts.bootstrapInterval`.
  case pairedBootstrap = "paired bootstrap, percentiles"
  /// Of two independent proportions: `differenceInterval`.
  case newcombe = "Newcombe"
  /// Of a mean: `SampleMean`.
  case studentT = "Student's t"
  /// Of a proportion on the same images under several seeds: `RepeatedAccuracy`.
  case wilsonAndStudentT = "Wilson score over images and Student's t over runs"
}
