-- name: code-changes
-- cardinality: many
-- description: What was changed in the code since its commit when a run's processes began, each change once.
-- param: run run: the run
SELECT min(number) AS number, git_commit, diff_sha256, length(CAST(diff AS BLOB)) AS bytes, diff
FROM session
JOIN code_diff ON code_diff.sha256 = session.diff_sha256
WHERE run_id = :run
GROUP BY git_commit, diff_sha256
ORDER BY number;
