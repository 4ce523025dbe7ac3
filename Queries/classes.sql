-- name: classes
-- cardinality: many
-- description: Accuracy of a run class by class.
-- param: run text: full id of the run
SELECT input.label AS label, json_extract(run.class_names, '$[' || input.label || ']') AS name,
  count(*) AS n, sum(prediction.correct) AS n_correct,
  1.0 * sum(prediction.correct) / count(*) AS accuracy
FROM prediction
JOIN run ON run.id = prediction.run_id
JOIN run_input ON run_input.run_id = prediction.run_id
  AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
WHERE prediction.run_id = :run
GROUP BY input.label ORDER BY input.label;
