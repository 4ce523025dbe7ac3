-- name: class-elbos
-- cardinality: many
-- description: Every image and class of a run with its ELBO, in evaluation order.
-- param: run run: the run
SELECT * FROM class_elbos WHERE run_id = :run ORDER BY position, class;
