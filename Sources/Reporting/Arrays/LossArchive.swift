import Basics
import Records
import RunStore

/// The losses of a run as one dense array in a NumPy archive, with what its axes are.
///
/// | array | shape | |
/// | --- | --- | --- |
/// | `losses` | images, draws, timesteps, classes | Float32; NaN where a loss was not asked for, +∞ where it diverged |
/// | `image_index`, `label`, `predicted` | images | in evaluation order, of the images that are classified |
/// | `timestep`, `sigma`, `weight` | timesteps | place in the grid, noise level, w = ω(σ)·Δσ |
/// | `class_name` | classes | |
/// | `run` | – | id |
package struct LossArchive {
  private let run: RecordedRun
  private let header: RunHeader
  private let positions, predicted: [Int]
  private let timesteps: [TimestepRecord]
  private let store: RunStore

  /// The losses of the run that `id` names.
  ///
  /// - Throws: `ElbowError` where it recorded none.
  package init(_ id: String, _ store: RunStore) throws {
    run = try store.recordedRun(id)
    header = try store.recordedHeader(run.id)
    guard run.recordsLosses, !run.done.isEmpty else {
      throw ElbowError(.missing, "run \(run.id) recorded no losses")
    }
    let done = try store.query(
      "predictions", ["run": run.id], columns: ["position", "predicted"])
    (positions, predicted) = (
      done.rows.map { Int(nearest: $0[0].number ?? 0) },
      done.rows.map { Int(nearest: $0[1].number ?? 0) }
    )
    let asked = header.timesteps.filter { $0.strategyWeight != nil }
    let differs = try asked.isEmpty || store.placesLosses(run: run.id)
    timesteps = differs ? header.timesteps : asked
    self.store = store
  }

  /// Writes the archive.
  ///
  /// - Parameter watch: is told of images.
  /// - Throws: `ElbowError`.
  package func write(to path: String, watch: WorkWatch) throws {
    let (draws, classes) = (header.configuration.draws, header.classNames.count)
    let perImage = draws * timesteps.count * classes
    let archive = try NumPyArchive(path)
    try archive.add("run", [run.id], isSingle: true)
    let images = [positions.count]
    try archive.add(
      NumPyArray("image_index", .int64, images), positions.map { Int64(run.inputs[$0].index) })
    try archive.add(
      NumPyArray("label", .int64, images), positions.map { Int64(run.inputs[$0].label) })
    try archive.add(NumPyArray("predicted", .int64, images), predicted.map { Int64($0) })
    let levels = [timesteps.count]
    try archive.add(NumPyArray("timestep", .int64, levels), timesteps.map { Int64($0.index) })
    try archive.add(NumPyArray("sigma", .float64, levels), timesteps.map(\.sigma))
    try archive.add(NumPyArray("weight", .float64, levels), timesteps.map(\.weight))
    try archive.add("class_name", header.classNames)
    let slots = Dictionary(
      uniqueKeysWithValues: timesteps.enumerated().map { ($0.element.index, $0.offset) })
    let asked = header.timesteps.filter { $0.strategyWeight != nil }.map(\.index)
    try archive.add(
      NumPyArray("losses", .float32, [positions.count, draws, timesteps.count, classes])
    ) { write in
      for (done, position) in positions.enumerated() {
        var values = [Float](repeating: .nan, count: perImage)
        func place(_ draw: Int, _ timestep: Int, _ label: Int, _ value: Float) throws {
          guard let slot = slots[timestep], draw < draws, label < classes else {
            throw ElbowError(
              .damaged,
              "\(store.path): run \(run.id) has a loss at position \(position) that its "
                + "configuration has no place for")
          }
          values[(draw * timesteps.count + slot) * classes + label] = value
        }
        switch try store.losses(run: run.id, position: position) {
        case .dense(let losses):
          let perDraw = asked.count * classes
          guard perDraw > 0, losses.count == draws * perDraw else {
            throw ElbowError(
              .damaged,
              "\(store.path): run \(run.id) has \(losses.count.counted("loss")) at position "
                + "\(position), expected \(draws * perDraw)")
          }
          for (i, value) in losses.enumerated() {
            try place(i / perDraw, asked[i % perDraw / classes], i % classes, value)
          }
        case .sparse(let losses):
          for loss in losses { try place(loss.draw, loss.timestep, loss.label, loss.value) }
        }
        try values.withUnsafeBytes { try write($0) }
        if done % 100 == 99 {
          watch(WorkUpdate("export", done + 1, of: positions.count, "images"))
        }
      }
    }
    try archive.finish()
  }
}
