import Basics
import Evaluation
import Experiments
import Foundation
import Records
import Reporting
import RunStore
import TestSupport
import Testing

/// Parts of a run, and of a sweep, are disjoint, and together they are the whole, row for row.
@Suite struct ShardTests {
  @Test func partsMakeAWhole() throws {
    for count in [1, 2, 3, 7, 16] {
      let parts = try (1...count).map { try Shard($0, of: count) }
      for place in 0..<40 { #expect(parts.count { $0.contains(place) } == 1) }
    }
    #expect(try Shard("3/16").spelling == "3/16")
    for text in ["0/4", "5/4", "4", "1/0", "/", "a/b", "1/2/3", "-1/4", "1/1000000"] {
      #expect(throws: ElbowError.self) { try Shard(text) }
    }
  }

  /// All rows of all runs of a file, by image.
  private func rows(_ path: String) throws -> [ResultTable] {
    let store = try RunStore(path, for: .read)
    return try [
      """
      SELECT image_index, label, sha256, predicted, correct, nfe, gradients, clean_predicted,
        attacked, attack_nfe, format('%!.17g', attack_loss), format('%!.17g', attack_linf)
      FROM predictions ORDER BY image_index
      """,
      """
      SELECT image_index, class, format('%!.17g', elbo), last_round FROM class_elbos
      ORDER BY 1, 2
      """,
      """
      SELECT image_index, hex("values"), hex(places) FROM loss
      JOIN predictions USING (run_id, position) ORDER BY 1
      """,
      "SELECT image_index, hex(pixels), sha256 FROM adversarial_images ORDER BY 1",
      "SELECT DISTINCT timestep, sigma, weight, strategy_weight FROM run_timestep ORDER BY 1",
      "SELECT DISTINCT fingerprint, attack_json, seed, attack_seed FROM run",
    ].map(store.readOnly)
  }

  @Test(arguments: [
    ["strategy": "halving:4x2,1x3"], ["attack": "pgd-margin", "attack-steps": "2"],
  ])
  func partsOfARun(values: [String: String]) throws {
    let folder = try TemporaryFolder()
    let session = Session(threads: 2)
    let whole = folder.file("whole.db")
    _ = try run(small("5", values), in: session, RunStore(whole, for: .write))
    let parts = try (1...3).map { index in
      let path = folder.file("part-\(index).db")
      var request = try small("5", values)
      request.shard = try Shard(index, of: 3)
      _ = try run(request, in: session, RunStore(path, for: .write))
      return path
    }
    let all = folder.file("all.db")
    let merged = try RunStore.merge(parts, into: all)
    #expect(merged.map(\.runs) == [1, 1, 1])
    #expect(try rows(all) == rows(whole))
    #expect(try RunStore(all, for: .read).query("runs").rows.count == 3)
    var empty = try small("2", values)
    empty.shard = try Shard("3/3")
    #expect(
      message { _ = try run(empty, in: session, RunStore(all, for: .write)) }.contains("empty"))
  }

  /// A part that is broken off goes on as that part.
  @Test func partsResume() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("part.db")
    var request = try small("5")
    request.shard = try Shard("2/2")
    let store = try RunStore(path, for: .write)
    let stopped = Session(threads: 1)
    let prepared = try Experiment(request).prepare(in: stopped, reading: nil)
    stopped.cancel()
    #expect(try prepared.run(in: stopped, into: store).ending.status == .interrupted)
    let session = Session(threads: 2)
    let resumed = try Experiment.resuming(
      store.recordedRun(prepared.header.id), of: store, in: session)
    #expect(try resumed.run(in: session, into: store).ending.status == .finished)
    #expect(try store.recordedRun(prepared.header.id).inputs.map(\.index) == [1, 3])
  }

  @Test func partsOfASweep() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "sweep.yaml",
      "images: 2\ngrid: linear:0.2:2:4\nweights: [snr, edm]\nstrategy: [full, uniform:1, uniform:2]\n"
    )
    let session = Session(threads: 2)
    func sweep(_ path: String, _ shard: Shard?) throws -> [String] {
      let store = try RunStore(path, for: .write)
      let sweep = try SweepFile(file, overrides: [])
      let plan = try SweepPlan(
        sweep.cells(), constants: sweep.constants, Experiment(RunRequest()), in: session,
        reading: store, again: false, shard: shard)
      var runs = Sweep(plan)
      try runs.run(in: session, into: store) {
        false
      } finished: { _ in
      }
      #expect(runs.failures.isEmpty)
      return plan.cells.map(\.label)
    }
    let labels = try sweep(folder.file("whole.db"), nil)
    let parts = try (1...4).map {
      try sweep(folder.file("part-\($0).db"), Shard($0, of: 4))
    }
    #expect(parts.map(\.count) == [2, 2, 1, 1])
    #expect(parts.flatMap { $0 }.sorted() == labels.sorted())
    // What is done already does not change which cells are whose.
    #expect(try sweep(folder.file("whole.db"), Shard(2, of: 4)) == parts[1])
    let all = folder.file("all.db")
    _ = try RunStore.merge((1...4).map { folder.file("part-\($0).db") }, into: all)
    let runs = try [all, folder.file("whole.db")].map { path in
      try RunStore(path, for: .read).readOnly(
        """
        SELECT question, image_index, predicted, nfe, class, format('%!.17g', elbo)
        FROM runs JOIN predictions ON run_id = id JOIN class_elbo USING (run_id, position)
        ORDER BY 1, 2, 5
        """)
    }
    #expect(runs[0] == runs[1] && runs[0].rows.count == 6 * 2 * 10)
  }

  // MARK: Slurm

  /// The script does by itself what a cluster does with it: tasks one after the other, one of them
  /// stopped and submitted again, then the merge.
  @Test func scriptsCarryASweepOut() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder.file("bin"), withIntermediateDirectories: true)
    // Takes the directives' tasks; a job that depends on another is run after it.
    let sbatch = """
      #!/bin/bash
      for word; do case $word in --wrap) last=wrap;; --parsable|--*) last=;;
        *) [ "$last" = wrap ] && { bash -c "$word"; exit; }; script=$word;; esac; done
      first=1 tasks=$(sed -n 's/^#SBATCH --array=1-//p' "$script")
      for word; do case $word in --array=*) first=${word#*=} tasks=$first;; esac; done
      for ((k = first; k <= tasks; k++)); do
        SLURM_ARRAY_TASK_ID=$k TMPDIR='\(folder.path)' bash "$script" >&2 || echo "task $k: $?" >&2
      done
      echo 7
      """
    try folder.write("bin/sbatch", sbatch)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder.file("bin/sbatch"))
    let file = try folder.write(
      "sweep.yaml", "images: 2\ngrid: linear:0.2:2:4\nweights: snr\nseed: 0...3\n")
    var script = SlurmScript(
      name: "a sweep", program: Program.path, file: file, parts: folder.file("it's parts"),
      all: folder.file("all.db"), tasks: 3, cores: 2, memory: 1 << 30, seconds: 61)
    script.flags = ["--set", "images=1", "--group", "g"]
    script.partition = "short"
    for line in [
      "#SBATCH --job-name=a-sweep", "#SBATCH --array=1-3", "#SBATCH --cpus-per-task=2",
      "#SBATCH --mem=1024M", "#SBATCH --time=2", "#SBATCH --partition=short",
    ] { #expect(script.text.split(separator: "\n").contains(Substring(line)), "\(line)") }
    #expect(SlurmScript.seconds(cells: [10, 20, 30, 40], tasks: 2) == 600 + 1.5 * 60)
    let job = try folder.write("job.sh", script.text)
    func bash(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = [job] + arguments
      process.environment = ProcessInfo.processInfo.environment
        .merging(["PATH": "\(folder.file("bin")):/usr/bin:/bin"]) { $1 }
        .merging(environment) { $1 }
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    // A task alone; then nothing but its part is there, and the merge says that others are not.
    #expect(try bash([], ["SLURM_ARRAY_TASK_ID": "2", "TMPDIR": folder.path]) == 0)
    #expect(try bash(["merge"]) == 1)
    #expect(try bash([]) == 0)
    let store = try RunStore(folder.file("all.db"), for: .read)
    let runs = try store.query(
      "runs", columns: ["seed", "group", "images", "status"], order: ["seed"])
    #expect(runs.rows.map { $0[0].number } == [0, 1, 2, 3])
    #expect(runs.rows.allSatisfy { $0[1].string == "g" && $0[2].number == 1 })
    try FileManager.default.removeItem(atPath: folder.file("it's parts/3.done"))
    #expect(try bash(["merge"]) == 1)
    #expect(try bash([], ["SLURM_ARRAY_TASK_ID": "3", "TMPDIR": folder.path]) == 0)
    #expect(try bash(["merge"]) == 0)
    #expect(try store.query("runs").rows.count == 4)
  }
}
