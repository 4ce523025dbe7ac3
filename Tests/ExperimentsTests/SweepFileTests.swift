import Basics
import Evaluation
import Experiments
import Records
import RunStore
import TestSupport
import Testing

@Suite struct SweepFileTests {
  private func plan(
    _ text: String, _ overrides: [String] = [], again: Bool = false, reading store: RunStore? = nil
  ) throws -> SweepPlan {
    let folder = try TemporaryFolder()
    let file = try SweepFile(folder.write("front.yaml", text), overrides: overrides)
    return try SweepPlan(
      file.cells(), constants: file.constants,
      Experiment(RunRequest(), labels: RunLabels(group: "front")), in: Session(threads: 1),
      reading: store, again: again)
  }

  @Test(arguments: [
    ("strateg: full", "did you mean 'strategy'"),
    ("seed: 5..2", "seed '5..2' has a range that falls"),
    ("seed: []", "'seed' has no values"), ("strategy: [uniform:1, uniform:999]", "cell 2 of 2"),
    ("- a", "needs lines of 'key: value'"), ("seed: 0..1\nexclude: seed < 9", "every cell"),
    ("seed: 0..1\nexclude: 'sed < 9'", "did you mean 'seed'"), ("threads: [1, 2]", "one value"),
    ("losses: maybe", "must be true or false"), ("epsilon: 8/255", "needs an attack"),
    ("seed: 0..9999\nattack-seed: 0..9", "more than 10000 cells"), ("cases: 3", "'cases' needs"),
    ("seed: x", "seed"),
  ])
  func mistakesAreNamed(text: String, expected: String) {
    let message = message { _ = try plan(text) }
    #expect(message.contains(expected), "\(message)")
  }

  /// Lists of images are one value, as in a file of `run`.
  @Test func valuesAreReadAsRunReadsThem() throws {
    let folder = try TemporaryFolder()
    let file = try SweepFile(
      folder.write(
        "front.yaml",
        """
        grid: linear:0.2:2:4
        images: [[4], [0, 1, 2]]
        strategy: [full, uniform:4]
        classifier: [dc, rdc]
        tag: [a=b, c=d]
        group: other
        exclude: [{classifier: rdc, images: 4}, "strategy = 'uniform:4' AND classifier = 'rdc'"]
        """), overrides: [])
    let cells = try file.cells()
    #expect(
      cells.map { "\($0["images"] ?? "") \($0["strategy"] ?? "") \($0["classifier"] ?? "")" } == [
        "4 full dc", "4 uniform:4 dc", "0,1,2 full dc", "0,1,2 full rdc", "0,1,2 uniform:4 dc",
      ])
    #expect(
      cells[1].label(SweepCell.varying(cells, constants: file.constants))
        == "images 4, strategy uniform:4, classifier dc")
    #expect(file.tags == ["a=b", "c=d"] && file.settings == ["group": "other"])
  }

  /// Other inputs, seeds, attacks and configurations are other cells.
  @Test func onlyTheSameIsDone() throws {
    let database = TemporaryDatabase()
    let store = try RunStore(database.path, for: .write)
    let text = "images: 2\ngrid: linear:0.2:2:4\nstrategy: uniform:1"
    func state(_ overrides: String..., again: Bool = false) throws -> PlannedCell.State {
      try plan(text, overrides, again: again, reading: store).cells[0].state
    }
    #expect(try state() == .new)
    var sweep = try Sweep(plan(text, reading: store))
    try sweep.run(in: Session(threads: 1), into: store, until: { false }, finished: { _ in })
    let id = try #require(sweep.ids.first)
    #expect(try state() == .done(id))
    #expect(try state("images=0,1") == .done(id))
    for other in [
      "images=1,0", "images=3", "seed=1", "strategy=uniform:2", "attack=pgd-ce", "weights=snr",
    ] {
      #expect(try state(other) == .new, "\(other)")
    }
    #expect(try state("losses=false") == .done(id))
    #expect(try state(again: true) == .new)
    try database.execute("UPDATE session SET git_commit = 'other'")
    #expect(try state() == .new, "other code")
    try database.execute(
      "UPDATE run SET status = 'interrupted'; UPDATE prediction SET position = position;")
    #expect(try state() == .new, "begun by other code")
  }
}
