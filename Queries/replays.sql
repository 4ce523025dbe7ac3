-- name: replays
-- cardinality: many
-- description: A run's replays, newest first; n_differ: images they answer otherwise than the run.
-- param: run run: the run whose losses were replayed
WITH
  -- A replay may be of a part of the run's images, and an attacked image stands for its source.
  live AS MATERIALIZED (
    SELECT input.image, prediction.predicted
    FROM run_total
    JOIN prediction ON prediction.run = run_total.number
    JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
    JOIN input ON input.id = run_input.input_id
    WHERE run_total.run_id = :run
  )
SELECT runs.*, (
    SELECT count(*)
    FROM run_total
    JOIN prediction ON prediction.run = run_total.number
    JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
    JOIN input ON input.id = run_input.input_id
    JOIN live ON live.image = input.image
    WHERE run_total.run_id = runs.id AND prediction.predicted <> live.predicted
  ) AS n_differ
FROM runs
WHERE replay_of = :run
ORDER BY id DESC;
