-- name: health
-- cardinality: one
-- description: Counts that tell whether a database is whole.
SELECT
  (SELECT count(*) FROM run) AS runs,
  (SELECT coalesce(sum(n), 0) FROM run_total) AS predictions,
  (SELECT count(*) FROM runs
    WHERE status IN ('crashed', 'interrupted') AND fingerprint IS NOT NULL) AS resumable,
  (SELECT count(*) FROM run_total
    WHERE (n, n_correct, nfe, gradients, attack_nfe, attack_gradients) <> (
      SELECT count(*), coalesce(sum(correct), 0), coalesce(sum(prediction.nfe), 0),
        coalesce(sum(prediction.gradients), 0), coalesce(sum(prediction.attack_nfe), 0),
        coalesce(sum(prediction.attack_gradients), 0)
      FROM prediction WHERE prediction.run_id = run_total.run_id)
  ) AS wrong_totals,
  (SELECT count(*) FROM pragma_foreign_key_check) + (
    SELECT count(*) FROM (SELECT run, position FROM loss_blob
      UNION SELECT run, position FROM class_evidence) AS part
    WHERE NOT EXISTS (
      SELECT 1 FROM run_total JOIN prediction USING (run_id)
      WHERE run_total.number = part.run AND prediction.position = part.position)
  ) AS broken_references,
  (SELECT group_concat(quick_check, '; ') FROM pragma_quick_check) AS integrity;
