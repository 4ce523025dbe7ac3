-- name: run
-- cardinality: one
-- description: One run with its configuration, notes and totals.
-- param: run run: the run
SELECT runs.*, configuration.json AS configuration,
  (SELECT json_group_object(key, value) FROM run_tag WHERE run_id = runs.id) AS tags,
  run.class_names AS class_names, run.gradient AS gradient
FROM runs
JOIN run USING (id)
LEFT JOIN configuration ON configuration.fingerprint = run.fingerprint
WHERE runs.id = :run;
