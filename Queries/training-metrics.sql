-- name: training-metrics
-- cardinality: many
-- description: A training's metrics, step by step.
-- param: training text: full id of the training
SELECT step, name, value FROM training_metric WHERE training_id = :training ORDER BY step, name;
