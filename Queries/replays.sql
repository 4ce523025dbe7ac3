-- name: replays
-- cardinality: many
-- description: A run's replays, newest first; n_differ: images they answer otherwise than the run.
-- param: run text: full id of the run whose losses were replayed
WITH
  -- A replay may be of a part of the run's images, and an attacked image stands for its source.
  live AS MATERIALIZED (
    SELECT input.dataset, input.split, input.image_index, prediction.predicted
    FROM prediction
    JOIN run_input USING (run_id, position)
    JOIN input ON input.id = run_input.input_id
    WHERE prediction.run_id = :run
  )
SELECT runs.*, (
    SELECT count(*)
    FROM prediction
    JOIN run_input USING (run_id, position)
    JOIN input ON input.id = run_input.input_id
    JOIN live ON live.image_index = input.image_index AND live.dataset = input.dataset
      AND live.split = input.split
    WHERE prediction.run_id = runs.id AND prediction.predicted <> live.predicted
  ) AS n_differ
FROM runs
WHERE replay_of = :run
ORDER BY id DESC;
