-- name: precedents
-- cardinality: many
-- description: Live runs of a configuration, newest first: what else was asked of them, how far they are.
-- param: fingerprint text: of the configuration
-- param: commit text = -: git commit of the code at hand, - for none
-- param: dirty integer = 0: whether it has uncommitted changes
-- param: diff text = -: SHA-256 of these, - for none
-- param: version text: Elbow's version at hand
SELECT run.id AS id, runs.status AS status, runs."group" AS "group", runs.n_done AS n_done,
  run.seed AS seed, run.attack AS attack, run.norm AS norm, run.epsilon AS epsilon,
  run.attack_steps AS attack_steps, run.restarts AS restarts, run.eot AS eot,
  run.gradient AS gradient, run.attack_seed AS attack_seed, run.inputs_run AS inputs_run,
  run.images AS images, run.records_losses AS records_losses,
  runs.nfe_per_image AS nfe_per_image, NOT EXISTS (
    SELECT 1 FROM session
    WHERE session.run_id = run.id AND (coalesce(git_commit, '-') <> :commit
      OR coalesce(git_dirty, 0) <> :dirty OR coalesce(diff_sha256, '-') <> :diff
      OR elbow_version <> :version)
  ) AS is_same_code
FROM run JOIN runs USING (id)
WHERE run.fingerprint = :fingerprint AND run.replay_of IS NULL
ORDER BY run.id DESC;
