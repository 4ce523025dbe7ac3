-- name: replays
-- cardinality: many
-- description: A run's replays, newest first; n_differ: images they answer otherwise than the run.
-- param: run text: full id of the run whose losses were replayed
SELECT runs.*, (
    SELECT count(*)
    FROM prediction AS replayed
    JOIN prediction AS live ON live.run_id = :run AND live.position = replayed.position
    WHERE replayed.run_id = runs.id AND replayed.predicted <> live.predicted
  ) AS n_differ
FROM runs
WHERE replay_of = :run
ORDER BY id DESC;
