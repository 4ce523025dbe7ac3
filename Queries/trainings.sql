-- name: trainings
-- cardinality: many
-- description: Every training with its last loss and validation loss, newest first.
SELECT * FROM trainings ORDER BY id DESC;
