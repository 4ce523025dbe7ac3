-- name: groups
-- cardinality: many
-- description: Groups of runs, as sweeps make them: how far they are, the last begun first.
SELECT "group", count(*) AS runs, sum(status = 'finished') AS finished,
  sum(status = 'running') AS running,
  sum(status IN ('failed', 'interrupted', 'crashed')) AS broken_off,
  sum(n_done) AS n_done, sum(images) AS images, min(accuracy) AS lowest_accuracy,
  max(accuracy) AS highest_accuracy, min(started_at) AS started_at,
  max(coalesce(finished_at, started_at)) AS last_at
FROM runs
WHERE "group" IS NOT NULL
GROUP BY "group" ORDER BY max(id) DESC;
