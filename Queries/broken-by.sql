-- name: broken-by
-- cardinality: many
-- description: Of a run with several attacks, how many images each of them broke.
-- param: run run: the run
SELECT broken_by, count(*) AS n
FROM run_total JOIN prediction ON prediction.run = run_total.number
WHERE run_id = :run AND broken_by IS NOT NULL
GROUP BY 1 ORDER BY min(position);
