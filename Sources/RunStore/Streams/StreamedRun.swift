import Basics
import Foundation
import Records

/// What a stream says of a run before its first image or metric.
package struct StreamedDescription: Sendable {
  /// What the stream calls it: an id, or a text of its own.
  package var key: String
  /// What people call it.
  package var labels = RunLabels()
  /// Command line of the program that makes it.
  package var arguments: [String] = []
  /// What it asks of images, its inputs empty; nil: it has none, only metrics.
  package var header: RunHeader?
  /// When it began, told afterwards by whoever kept it: it then runs until it is ended, and nothing of
  /// this process, machine or code is recorded with it. nil: it begins now, and is made here.
  package var startedAt: Date?

  /// The description of a run without images.
  package init(key: String) { self.key = key }
}

/// A run of another program as far as a stream has told of it.
struct StreamedRun {
  /// Names an image: dataset, split and index.
  struct Place: Hashable {
    var dataset: String
    var split: String
    var index: Int
  }

  /// A metric's series, made with its first point.
  struct Series {
    var name: [UInt8]
    var id: Int?
    var points = 0
  }

  let id: String
  var description: StreamedDescription
  /// Whether it was recorded before this stream: then what comes may be there already.
  let isOld: Bool
  /// How this stream has ended it, where it has not begun it again since.
  var ended: RunEnding?
  /// When it began, where this stream began it and makes it.
  var since: Date?
  /// Status as recorded; of a run that this process works on, `running`.
  var status: String
  /// What ended it, as recorded.
  var error: String?
  /// This process's part, once it is recorded.
  var position: RunPosition?
  /// Whether what it asks is recorded, as it is from the first image on.
  var isDescribed: Bool
  /// Where each image that has its answer stands among the run's inputs.
  var answered: [Place: Int] = [:]
  /// Id of the question so far; nil: no images are expected.
  var digest: Question.Digest?
  /// Datasets and splits of its images.
  var sources: Set<[String]> = []
  var series: [Series] = []
  /// The step after the greatest one recorded.
  var nextStep = 0

  /// Whether another tracker keeps it: this process makes nothing of it.
  var isKeptElsewhere: Bool { description.startedAt != nil }

  /// The place of a metric's name among the series.
  ///
  /// - Parameter guess: where it would stand if names came in the order of the line before.
  /// - Throws: `ElbowError` for a new one that is no name of a metric.
  mutating func series(named name: UnsafeBufferPointer<UInt8>, guess: Int) throws -> Int {
    if guess < series.count, series[guess].name.elementsEqual(name) { return guess }
    if let known = series.firstIndex(where: { $0.name.elementsEqual(name) }) { return known }
    try RunStore.check(metric: String(decoding: name, as: UTF8.self))
    series.append(Series(name: Array(name)))
    return series.count - 1
  }
}

/// A value of a metric at a step, on its way to the disk.
struct StreamedPoint {
  var run: Int32
  var series: Int32
  var step: Int
  var value: Double
  /// Milliseconds since 1970, UTC.
  var time: Int
}
