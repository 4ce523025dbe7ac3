import Basics
import Foundation
import GRDB
import Records

/// Records runs that other programs make, piece by piece and any number at once.
///
/// What is added is checked at once, waits, and is on the disk after `commit`, all of it or none.
/// Images and points that are recorded already are passed over, so that a stream can be sent again.
package final class StreamWriter {
  let store: RunStore
  var runs: [StreamedRun] = []
  var indices: [String: Int] = [:]
  /// By id.
  private var places: [String: Int] = [:]
  /// Ids that this stream's keys stand for, by what follows their time.
  private var named: [Substring: String] = [:]
  var waiting = Waiting()
  /// Ids by what follows their time, once a stream has a key that is no id.
  private var ids: (count: Int, last: String, bySuffix: [Substring: String])?
  let code = LateCode()
  /// Whether a commit has failed, so that something told is not recorded.
  package internal(set) var isBroken = false
  /// Points that were recorded, those left out that were there already.
  package internal(set) var recordedPoints = 0
  /// Runs that were recorded for the first time.
  package internal(set) var recordedRuns = 0
  /// Session rows that wait for the code's state.
  var uncoded: [RunPosition] = []

  /// What the next commit takes, in the order in which it does.
  struct Waiting {
    var begun: [Int] = []
    var labels: [(run: Int, labels: RunLabels)] = []
    var images: [(run: Int, input: InputRecord, prediction: Prediction)] = []
    var points: [StreamedPoint] = []
    var ended: [(run: Int, ending: RunEnding, time: Date?)] = []
  }

  /// How a run is answered for: what its stream may leave out.
  package struct Begun {
    /// ULID of the run.
    package let id: String
    /// Indices of the images that are recorded.
    package let images: [Int]
    /// The step after the greatest recorded.
    package let nextStep: Int
  }

  /// A writer into `store`, opened for writing.
  package init(_ store: RunStore) { self.store = store }

  /// Begins a run, or takes up one of the same key.
  ///
  /// - Throws: `ElbowError` where it is another's, is worked on elsewhere, or asks something else.
  package func begin(_ description: StreamedDescription) throws -> Begun {
    let id = try id(of: description.key, at: description.startedAt ?? Date())
    // One run may be called by its id and by a key.
    if let known = indices[description.key] ?? places[id] {
      indices[description.key] = known
      try checkIsThere(known)
      if waiting.ended.contains(where: { $0.run == known }) { try commit() }
      // A line that says nothing of it takes it up as it is.
      if description.header != nil { try check(description, asksAs: runs[known]) }
      runs[known].ended = nil
      return begun(known)
    }
    // Its images may be those of a run that is on its way to the disk.
    if let source = description.header?.inputsRun, runs.contains(where: { $0.id == source }) {
      try commit()
    }
    let index = runs.count
    if let recorded = try self.recorded(id, description) {
      runs.append(recorded)
    } else {
      runs.append(
        StreamedRun(
          id: id, description: description, isOld: false, status: "new", isDescribed: false,
          digest: try description.header.map { try $0.digest() }))
      if description.startedAt == nil { runs[index].since = Date() }
      waiting.begun.append(index)
    }
    (indices[description.key], places[id]) = (index, index)
    if !ULID.isID(description.key) { named[id.dropFirst(10)] = id }
    return begun(index)
  }

  /// - Throws: `ElbowError` where a run of this stream has gone, or went to the trash.
  private func checkIsThere(_ run: Int) throws {
    if waiting.begun.contains(run) { return }
    let id = runs[run].id
    let isThere = try store.reading {
      try Bool.fetchOne($0, sql: "SELECT deleted_at IS NULL FROM run WHERE id = ?", arguments: [id])
    }
    guard isThere == true else {
      throw ElbowError(.missing, "run \(id) has gone, or went to the trash")
    }
  }

  private func begun(_ index: Int) -> Begun {
    let run = runs[index]
    return Begun(
      id: run.id, images: run.answered.keys.map(\.index).sorted(), nextStep: run.nextStep)
  }

  /// The run of a key that this stream has begun, to tell more of it.
  ///
  /// - Parameter isLater: whether what is told may come after its end.
  /// - Throws: `ElbowError` where it has not, or has ended it.
  package func index(_ key: String, isLater: Bool = false) throws -> Int {
    guard let index = indices[key] else {
      throw ElbowError(
        .unknownName,
        "no line of type run has begun '\(key)'" + didYouMean(key, among: Array(indices.keys)))
    }
    guard isLater || runs[index].ended == nil else {
      throw ElbowError(
        .conflict, "'\(key)' has ended; a line of type run takes it up again")
    }
    return index
  }

  /// What a run asks, its inputs empty; nil where it has no images.
  package func header(of run: Int) -> RunHeader? { runs[run].description.header }

  /// Adds an image's answer.
  ///
  /// - Parameters:
  ///   - prediction: its position is set here.
  ///   - input: the image.
  ///   - run: index of the run.
  /// - Throws: `ElbowError` where the image is recorded with another answer.
  package func add(_ prediction: Prediction, of input: InputRecord, to run: Int) throws {
    let place = StreamedRun.Place(
      dataset: input.dataset, split: input.split, index: input.index)
    if let position = runs[run].answered[place] {
      let others = try recorded(run, position)?.answersThatDiffer(from: prediction) ?? []
      guard others.isEmpty else {
        throw ElbowError(
          .conflict,
          "image \(input.index) of run \(runs[run].id) is recorded with another "
            + "\(others.joined(separator: ", another ")); record it as another run")
      }
      return
    }
    var prediction = prediction
    prediction.position = runs[run].answered.count
    runs[run].answered[place] = prediction.position
    runs[run].digest?.add(input)
    runs[run].sources.insert([input.dataset, input.split])
    waiting.images.append((run, input, prediction))
  }

  /// An answer that is on the disk or on its way there.
  private func recorded(_ run: Int, _ position: Int) throws -> Prediction? {
    try waiting.images.last { $0.run == run && $0.prediction.position == position }?.prediction
      ?? store.recordedWhole(runs[run].id, position: position)
  }

  /// Changes what a run is called; what is nil stays, tags are added.
  package func label(_ run: Int, _ labels: RunLabels) { waiting.labels.append((run, labels)) }

  /// Ends a run; the same end may be told again.
  ///
  /// - Parameters:
  ///   - run: index of the run.
  ///   - ending: how.
  ///   - time: when; nil: now.
  /// - Throws: `ElbowError` where it has ended otherwise: in this stream, or finished before it and
  ///   nothing was added.
  package func end(_ run: Int, _ ending: RunEnding, at time: Date? = nil) throws {
    let (key, status) = (runs[run].description.key, ending.status.rawValue)
    if let ended = runs[run].ended {
      guard ended.isSame(as: ending) else {
        throw ElbowError(
          .conflict, "'\(key)' has ended already, as \(ended.status.rawValue), and not like this")
      }
    } else if runs[run].status == "finished", status != "finished", !runs[run].isKeptElsewhere,
      !isAdded(to: run)
    {
      throw ElbowError(.conflict, "'\(key)' has ended as finished, not as \(status)")
    }
    if let time, let since = runs[run].since, time < since.addingTimeInterval(-1) {
      throw ElbowError(.malformed, "'time' lies before its run began; tell 'started' with the run")
    }
    runs[run].ended = ending
    waiting.ended.append((run, ending, time))
  }

  /// Whether images or points wait for the disk.
  private func isAdded(to run: Int) -> Bool {
    waiting.images.contains { $0.run == run } || waiting.points.contains { $0.run == run }
  }

  /// Ends whatever has not ended as interrupted: the stream is over.
  package func endAll() {
    let ended = Set(waiting.ended.map(\.run))
    for index in runs.indices where !ended.contains(index) && !runs[index].isKeptElsewhere {
      guard runs[index].status == "running" || runs[index].status == "new" else { continue }
      let ending = RunEnding(
        status: .interrupted, wallSeconds: .nan, cpuSeconds: .nan, peakMemory: 0)
      waiting.ended.append((index, ending, nil))
    }
  }

  /// Runs that have begun and not ended.
  package var isAnyRunning: Bool {
    runs.contains { $0.status == "running" && !$0.isKeptElsewhere }
  }

  // MARK: Points

  /// Points that wait.
  package var pointCount: Int { waiting.points.count }

  /// Adds a value of a metric; `setPlace` says of which step and time.
  ///
  /// - Parameter guess: number of the value in its line.
  /// - Throws: `ElbowError` for what is no name of a metric.
  package func log(
    _ run: Int, _ name: UnsafeBufferPointer<UInt8>, guess: Int, _ value: Double
  ) throws {
    let series = try runs[run].series(named: name, guess: guess)
    waiting.points.append(
      StreamedPoint(run: Int32(run), series: Int32(series), step: 0, value: value, time: 0))
  }

  /// Gives the points from `first` on the step, and the time in milliseconds since 1970.
  package func setPlace(from first: Int, step: Int, time: Int) {
    for index in first..<waiting.points.count {
      waiting.points[index].step = step
      waiting.points[index].time = time
    }
  }

  /// Takes back the points from `first` on: their line turned out to be bad.
  package func dropPoints(from first: Int) {
    waiting.points.removeLast(waiting.points.count - first)
  }

  // MARK: Keys

  /// The id that a key stands for: itself, or one of its time whose other bits are the key's hash.
  private func id(of key: String, at time: Date) throws -> String {
    if ULID.isID(key) { return key }
    var hash = SHA256()
    hash.update("run of another program\n\(key)")
    let words = hash.digest()
    let new = ULID.make(
      at: time, high: UInt64(words[0]) << 32 | UInt64(words[1]),
      low: UInt64(words[2]) << 32 | UInt64(words[3]))
    let suffix = new.dropFirst(10)
    if let known = named[suffix] { return known }
    // Another process may have begun it since the last look.
    let (count, last) = try store.reading { db in
      let row = try Row.fetchOne(db, sql: "SELECT count(*), max(id) FROM run")
      return (row?[0] as Int? ?? 0, row?[1] as String? ?? "")
    }
    if ids == nil || ids?.count != count || ids?.last != last {
      let all = try store.reading { try String.fetchAll($0, sql: "SELECT id FROM run") }
      let bySuffix = all.reduce(into: [:]) { $0[$1.dropFirst(10)] = $1 }
      ids = (count, last, bySuffix)
    }
    return ids?.bySuffix[suffix] ?? new
  }
}

extension RunHeader {
  /// The question's id so far.
  func digest() throws -> Question.Digest {
    var digest = Question.Digest(
      fingerprint: try configuration.fingerprint(), attack: try attack?.canonicalJSON(),
      seed: seed, attackSeed: attackSeed)
    for input in inputs { digest.add(input) }
    return digest
  }
}

extension RunEnding {
  /// Whether the two say the same; what is not a number says nothing.
  fileprivate func isSame(as other: RunEnding) -> Bool {
    func bits(_ ending: RunEnding) -> [UInt64] {
      [ending.wallSeconds, ending.cpuSeconds, ending.energy ?? .nan, ending.gpuEnergy ?? .nan]
        .map { $0.isNaN ? .max : $0.bitPattern }
    }
    return status == other.status && error == other.error && bits(self) == bits(other)
      && peakMemory == other.peakMemory && gpuMemory == other.gpuMemory
  }
}
