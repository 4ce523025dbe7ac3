-- name: trash
-- cardinality: many
-- description: Every run in the trash, last removed first.
SELECT * FROM trash ORDER BY deleted_at DESC, id DESC;
