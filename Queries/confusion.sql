-- name: confusion
-- cardinality: many
-- description: How often a run took images of one class for another.
-- param: run text: full id of the run
SELECT input.label AS label, prediction.predicted AS predicted, count(*) AS n
FROM prediction
JOIN run_input USING (run_id, position)
JOIN input ON input.id = run_input.input_id
WHERE prediction.run_id = :run
GROUP BY 1, 2 ORDER BY 1, 2;
