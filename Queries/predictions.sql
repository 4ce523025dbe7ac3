-- name: predictions
-- cardinality: many
-- description: Every image that a run has classified, in evaluation order.
-- param: run run: the run
SELECT * FROM predictions WHERE run_id = :run ORDER BY position;
