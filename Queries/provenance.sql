-- name: provenance
-- cardinality: many
-- description: What runs came from: code, model, machine, libraries, command of their first process.
-- param: runs text: JSON array of full ids of runs
SELECT run.id AS id, session.started_at AS started_at, git_commit, git_dirty, diff_sha256,
  elbow_version, sqlite_version, libraries, model.name AS model, model.sha256 AS model_sha256, lm_model,
  configuration.fingerprint AS fingerprint, host, cpu, threads, blas, instruction_set, argv,
  (SELECT count(*) FROM session WHERE session.run_id = run.id) AS sessions
FROM json_each(:runs) AS chosen
CROSS JOIN run ON run.id = chosen.value
JOIN session ON session.run_id = run.id AND number = 0
LEFT JOIN configuration ON configuration.fingerprint = run.fingerprint
LEFT JOIN model ON model.sha256 = configuration.model
ORDER BY chosen.key;
