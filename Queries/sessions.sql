-- name: sessions
-- cardinality: many
-- description: The processes that worked on a run: when, where, with which code.
-- param: run run: the run
SELECT number, started_at, ended_at, host, cpu, threads, batch, blas, instruction_set,
  sqlite_version, elbow_version, libraries, git_commit, git_dirty, diff_sha256, wall_seconds, cpu_seconds,
  peak_memory, energy, gpu_energy, gpu_memory, argv
FROM session WHERE run_id = :run ORDER BY number;
