-- name: precedents
-- cardinality: many
-- description: Elbow's own live runs that were asked a question, newest first: how far they are, with which code.
-- param: question text: SHA-256 of the question
-- param: commit text = -: git commit of the code at hand, - for none
-- param: dirty integer = 0: whether it has uncommitted changes
-- param: diff text = -: SHA-256 of these, - for none
-- param: version text: Elbow's version at hand
SELECT run.id AS id, runs.status AS status, runs."group" AS "group", runs.n_done AS n_done,
  run.records_losses AS records_losses, NOT EXISTS (
    SELECT 1 FROM session
    WHERE session.run_id = run.id AND (coalesce(git_commit, '-') <> :commit
      OR coalesce(git_dirty, 0) <> :dirty OR coalesce(diff_sha256, '-') <> :diff
      OR elbow_version <> :version)
  ) AS is_same_code
FROM run JOIN runs USING (id)
WHERE run.question = :question AND run.replay_of IS NULL AND run.invocation <> 'null'
ORDER BY run.id DESC;
