-- name: classes
-- cardinality: many
-- description: Accuracy of a run class by class.
-- param: run run: the run
SELECT input.label AS label, json_extract(run.class_names, '$[' || input.label || ']') AS name,
  count(*) AS n, sum(prediction.correct) AS n_correct,
  1.0 * sum(prediction.correct) / count(*) AS accuracy
FROM run
JOIN run_total ON run_total.run_id = run.id
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
WHERE run.id = :run
GROUP BY input.label ORDER BY input.label;
