import Basics
import GRDB
import Records

extension RunStore {
  /// Records a run that another program has made, image by image: whole or not at all.
  ///
  /// Its header says what was asked, as Elbow says it of its own runs, so that the run stands in every
  /// view and is compared like any other; where grid and weights are spelled as Elbow spells them, its
  /// losses can be replayed. Its code is that of the working directory, and only the program that made
  /// it can go on with it. Metrics are logged by a `MetricWriter` with the header's id.
  ///
  /// - Parameters:
  ///   - header: what was asked; its id is new to the file (`ULID.make()`).
  ///   - predictions: what was answered, with losses where they were kept; of a finished run one for
  ///     every input.
  ///   - ending: how it ended, and what it took.
  /// - Throws: `ElbowError` where answers and header contradict one another, `ElbowError` where the
  ///   file cannot take them; nothing is recorded then.
  public func record(
    _ header: RunHeader, _ predictions: [Prediction], _ ending: RunEnding
  ) throws {
    try check(header, predictions, ending)
    var header = header
    header.invocation = RunHeader.foreignInvocation
    let code = CodeState.capture(ofProgram: false)
    try writing { try insert(header, predictions, ending, code, $0) }
  }

  /// Records a run that has ended already.
  func insert(
    _ header: RunHeader, _ predictions: [Prediction], _ ending: RunEnding, _ code: CodeState?,
    _ db: Database
  ) throws {
    let position = try insert(header, code, db)
    let insertion = try PredictionInsertion(header.id, db)
    for prediction in predictions { try insertion.insert(prediction) }
    try finish(position, ending, db)
  }

  private func check(
    _ header: RunHeader, _ predictions: [Prediction], _ ending: RunEnding
  ) throws {
    let classes = header.classNames.count
    func refuse(_ what: String) -> ElbowError {
      ElbowError(.malformed, "run \(header.id) cannot be recorded: \(what)")
    }
    guard !header.inputs.isEmpty else { throw refuse("it has no inputs") }
    let configuration = header.configuration
    if configuration.classifier.weighsLosses {
      guard !configuration.grid.isEmpty, !configuration.weights.isEmpty else {
        throw refuse("its configuration needs `grid` and `weights`, in any spelling")
      }
    }
    guard header.imageShape.count == 3 else {
      throw refuse("`imageShape` needs channels, height and width")
    }
    var seen = Set<Int>()
    for prediction in predictions {
      let place = "position \(prediction.position)"
      guard header.inputs.indices.contains(prediction.position) else {
        throw refuse("\(place) is none of its \(header.inputs.count) inputs")
      }
      guard seen.insert(prediction.position).inserted else {
        throw refuse("\(place) is answered twice")
      }
      guard
        ([prediction.predicted] + prediction.evidence.map(\.label)).allSatisfy(
          (0..<classes).contains)
      else { throw refuse("\(place) names a class that is none of its \(classes)") }
      guard case .dense(let losses)? = prediction.losses else { continue }
      let asked = header.timesteps.count { $0.strategyWeight != nil }
      let expected = configuration.draws * asked * classes
      guard losses.count == expected else {
        throw refuse(
          "\(place) has \(losses.count.counted("loss")), and draws, timesteps with a strategy weight and classes "
            + "make \(expected)")
      }
    }
    guard ending.status != .finished || seen.count == header.inputs.count else {
      throw refuse(
        "it is finished, and \(header.inputs.count - seen.count) of its inputs have no answer")
    }
  }
}

extension RunHeader {
  /// Stands where another program's run has nothing that Elbow could resume from.
  package static let foreignInvocation = "null"
}
