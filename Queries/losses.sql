-- name: losses
-- cardinality: many
-- description: Every raw loss that a run recorded: by image, then as they lie in the record.
-- param: run run: the run
SELECT * FROM losses WHERE run_id = :run ORDER BY position;
