-- name: transfer
-- cardinality: many
-- description: How configurations answer the images that attacked runs made, on those that were attacked.
-- param: runs text: JSON array of full ids of attacked runs
WITH
  chosen AS (SELECT value AS id FROM json_each(:runs)),
  -- The configurations and seeds of these runs, each answered by the newest run.
  answer AS (
    SELECT made_by, run_id, attempts.fingerprint, attempts.seed,
      count(*) AS n, sum(correct AND coalesce(clean_correct, 1)) AS n_stood,
      row_number() OVER (
        PARTITION BY made_by, attempts.fingerprint, attempts.seed ORDER BY run_id DESC) AS age
    FROM chosen
    JOIN attempts ON made_by = chosen.id
    WHERE clean_correct OR run_id <> made_by
    GROUP BY made_by, run_id
  )
SELECT made_by, answer.run_id AS run_id, own.id AS classified_by, n, n_stood,
  1.0 * n_stood / n AS accuracy
FROM answer
JOIN run AS own ON own.fingerprint = answer.fingerprint
  -- Seeds from 2^63 on are texts in views.
  AND CASE WHEN own.seed < 0 THEN printf('%u', own.seed) ELSE own.seed END = answer.seed
JOIN chosen AS target ON target.id = own.id
WHERE age = 1
ORDER BY made_by, classified_by;
