-- name: runs
-- cardinality: many
-- description: Every run with its accuracy and cost, newest first.
SELECT * FROM runs ORDER BY id DESC;
