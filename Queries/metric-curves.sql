-- name: metric-curves
-- cardinality: many
-- description: Logged metrics of runs, series that are longer than points as means of blocks of steps.
-- param: runs text: JSON array of full ids of runs
-- param: points integer = 300: most points of a series
WITH numbered AS (
  SELECT chosen.key AS place, run_id, name, step, metrics.value AS value,
    row_number() OVER series - 1 AS row, count(*) OVER (PARTITION BY run_id, name) AS n
  FROM json_each(:runs) AS chosen
  CROSS JOIN metrics ON run_id = chosen.value
  WHERE metrics.value BETWEEN -1e308 AND 1e308
  WINDOW series AS (PARTITION BY run_id, name ORDER BY step)
)
-- block: how many measurements a row is the mean of; step: the last of them.
SELECT run_id AS run, name, max(step) AS step, avg(value) AS value, count(*) AS block
FROM numbered
GROUP BY place, name, row / ((n + :points - 1) / :points)
ORDER BY place, name, step;
