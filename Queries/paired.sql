-- name: paired
-- cardinality: one
-- description: Two runs on the images they share: right in both, in one only, in neither.
-- param: a text: full id of the first run
-- param: b text: full id of the second run
WITH
  result AS (
    SELECT prediction.run_id, input.dataset, input.split, input.image_index, prediction.correct
    FROM prediction
    JOIN run_input USING (run_id, position)
    JOIN input ON input.id = run_input.input_id
    WHERE prediction.run_id IN (:a, :b)
  )
SELECT count(*) AS n,
  coalesce(sum(a.correct AND b.correct), 0) AS "both",
  coalesce(sum(a.correct AND NOT b.correct), 0) AS b,
  coalesce(sum(b.correct AND NOT a.correct), 0) AS c,
  coalesce(sum(NOT a.correct AND NOT b.correct), 0) AS neither
FROM result AS a
JOIN result AS b USING (dataset, split, image_index)
WHERE a.run_id = :a AND b.run_id = :b;
