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
      FROM prediction WHERE prediction.run = run_total.number)
  ) AS wrong_totals,
  (SELECT count(*) FROM pragma_foreign_key_check) + (
    SELECT count(*) FROM (SELECT run, position FROM loss_blob
      UNION SELECT run, position FROM class_evidence) AS part
    WHERE NOT EXISTS (
      SELECT 1 FROM prediction
      WHERE prediction.run = part.run AND prediction.position = part.position)
  ) AS broken_references,
  (SELECT group_concat(quick_check, '; ') FROM pragma_quick_check) AS integrity;
