-- name: health
-- cardinality: one
-- description: Counts that tell whether a database is whole.
SELECT
  (SELECT count(*) FROM run) AS runs,
  (SELECT coalesce(sum(n), 0) FROM run_total) AS predictions,
  (SELECT count(*) FROM runs
    WHERE status IN ('crashed', 'interrupted') AND fingerprint IS NOT NULL) AS resumable,
  (SELECT count(*) FROM run_total
    WHERE n <> (SELECT count(*) FROM prediction WHERE prediction.run_id = run_total.run_id)
  ) AS wrong_totals,
  (SELECT count(*) FROM pragma_foreign_key_check) AS broken_references,
  (SELECT group_concat(quick_check, '; ') FROM pragma_quick_check) AS integrity;
