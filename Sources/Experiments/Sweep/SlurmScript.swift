import Basics
import Foundation

/// A batch script that carries out a sweep on a cluster: an array of tasks, each with its part of the
/// cells and a file of its own on its node's disk, and a job that merges and verifies.
///
/// Each task copies its file beside the others when it ends, and when it is told to stop; begun again, it
/// goes on from there.
package struct SlurmScript {
  /// What jobs are called.
  package var name: String
  /// The program, and the sweep's file, where all nodes see them.
  package var program, file: String
  /// Flags of the sweep that every task takes as well.
  package var flags: [String] = []
  /// Where all nodes see the tasks' files.
  package var parts: String
  /// The file that they are merged into.
  package var all: String
  /// Tasks.
  package var tasks: Int
  /// Cores of each.
  package var cores: Int
  /// Memory of each, bytes.
  package var memory: Int
  /// Time of each, seconds.
  package var seconds: Double
  /// Partition; nil: the cluster's own choice.
  package var partition: String?

  /// The script of these parts.
  package init(
    name: String, program: String, file: String, parts: String, all: String, tasks: Int,
    cores: Int, memory: Int, seconds: Double
  ) {
    (self.name, self.program, self.file) = (name, program, file)
    (self.parts, self.all, self.tasks) = (parts, all, tasks)
    (self.cores, self.memory, self.seconds) = (cores, memory, seconds)
  }

  /// Seconds that a task is asked for: the longest part of a plan and half as much again, and ten
  /// minutes more, since nodes differ.
  ///
  /// - Parameters:
  ///   - cells: what is left of each cell, in the plan's order.
  ///   - tasks: parts of the plan.
  package static func seconds(cells: [Double], tasks: Int) -> Double {
    var parts = [Double](repeating: 0, count: max(tasks, 1))
    for (place, seconds) in cells.enumerated() { parts[place % parts.count] += seconds }
    return 600 + 1.5 * (parts.max() ?? 0)
  }

  /// The script.
  package var text: String {
    let minutes = Int((seconds / 60).rounded(.up))
    let megabytes = max(1, (memory + 1 << 20 - 1) >> 20)
    let flags = flags.map { " \($0.shellWord)" }.joined()
    let wanted = partition.map { ["#SBATCH --partition=\($0)"] } ?? []
    return """
      #!/bin/bash
      #SBATCH --job-name=\(Self.plain(name))
      #SBATCH --array=1-\(tasks)
      #SBATCH --cpus-per-task=\(cores)
      #SBATCH --mem=\(megabytes)M
      #SBATCH --time=\(minutes)
      #SBATCH --signal=B:TERM@120
      #SBATCH --requeue
      #SBATCH --open-mode=append
      \((wanted + ["#SBATCH --output=/dev/null"]).joined(separator: "\n"))
      #
      #   bash job.sh                  submits the tasks, and a job that merges and verifies after them
      #   sbatch --array=3 job.sh      submits a task again: it goes on where its file ends
      #   bash job.sh merge            merges what is done and verifies it
      set -u
      elbow=\(program.shellWord)
      sweep=\(file.shellWord)
      parts=\(parts.shellWord)
      all=\(all.shellWord)
      tasks=\(tasks)

      if [ "${1:-}" = merge ]; then
        # A run that goes on would be another one afterwards: only what is done is merged.
        left=0
        files=()
        for ((k = 1; k <= tasks; k++)); do
          if [ -e "$parts/$k.done" ]; then files+=("$parts/$k.db"); continue; fi
          echo "part $k of $tasks is not done: sbatch --array=$k $0" >&2
          left=1
        done
        [ ${#files[@]} -gt 0 ] || exit 1
        "$elbow" merge "${files[@]}" --into "$all" || exit
        "$elbow" verify --db "$all" || exit
        exit $left
      fi

      if [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
        mkdir -p "$parts" || exit
        cp "$0" "$parts/job.sh" 2>/dev/null
        job=$(sbatch --parsable "$@" "$0") || exit
        exec sbatch --dependency="afterany:${job%%;*}" --job-name=\(Self.plain(name))-merge \\
          --output="$parts/merge.log" --wrap "bash $(printf %q "$parts/job.sh") merge"
      fi

      part=$SLURM_ARRAY_TASK_ID
      mkdir -p "$parts" || exit
      exec >>"$parts/$part.log" 2>&1
      scratch=$(mktemp -d "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/elbow.XXXXXX") || exit
      trap 'rm -rf "$scratch"' EXIT
      rm -f "$parts/$part.done"
      if [ -e "$parts/$part.db" ]; then cp "$parts/$part.db" "$scratch/part.db" || exit; fi

      "$elbow" sweep "$sweep"\(flags) --threads \(cores) --shard "$part/$tasks" \\
        --db "$scratch/part.db" &
      run=$!
      trap 'kill -TERM $run 2>/dev/null' TERM INT
      # A signal ends the waiting, not the run, which ends in good order.
      while :; do
        wait $run
        status=$?
        kill -0 $run 2>/dev/null || break
      done
      if [ -e "$scratch/part.db" ]; then
        # Whoever opens the file takes in what a killed process has left in its log.
        "$elbow" runs --db "$scratch/part.db" --columns id >/dev/null
        cp "$scratch/part.db" "$parts/$part.db.new" && mv -f "$parts/$part.db.new" "$parts/$part.db"
      fi
      if [ $status = 0 ]; then touch "$parts/$part.done"; fi
      exit $status

      """
  }

  /// What Slurm takes in a directive: nothing there is quoted.
  private static func plain(_ text: String) -> String {
    String(
      text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
  }
}
