-- name: dependants
-- cardinality: many
-- description: Runs that were made from others: on their images, or on their recorded losses.
-- param: runs text: JSON array of full ids of runs
WITH RECURSIVE
  made (id, source, how) AS (
    SELECT run.id, value, iif(run.inputs_run = value, 'images', 'losses')
    FROM json_each(:runs) JOIN run ON run.inputs_run = value OR run.replay_of = value
    WHERE run.deleted_at IS NULL
    UNION
    SELECT run.id, made.id, iif(run.inputs_run = made.id, 'images', 'losses')
    FROM made JOIN run ON run.inputs_run = made.id OR run.replay_of = made.id
    WHERE run.deleted_at IS NULL
  )
SELECT made.id AS id, run.name AS name, made.source AS made_from, made.how AS uses
FROM made JOIN run ON run.id = made.id
ORDER BY made.id, made.source;
