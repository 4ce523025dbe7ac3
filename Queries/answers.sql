-- name: answers
-- cardinality: many
-- description: Answers of runs that have answered all of their images, as texts, in the order of these: which images, with commas between, and for each a 1 where it is right, else a 0.
-- param: runs text: JSON array of full ids of runs
SELECT run_id,
  (SELECT group_concat(input_id) FROM (
    SELECT input_id FROM run_input WHERE run = number ORDER BY position)) AS inputs,
  (SELECT group_concat(correct, '') FROM (
    SELECT correct FROM prediction WHERE run = number ORDER BY position)) AS correct
FROM run_total JOIN run ON run.id = run_id
WHERE n = images AND run_id IN (SELECT value FROM json_each(:runs))
ORDER BY run_id;
