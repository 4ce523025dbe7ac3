-- name: confusion
-- cardinality: many
-- description: How often a run took images of one class for another.
-- param: run run: the run
SELECT input.label AS label, prediction.predicted AS predicted, count(*) AS n
FROM run_total
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
WHERE run_total.run_id = :run
GROUP BY 1, 2 ORDER BY 1, 2;
