-- name: training-curves
-- cardinality: many
-- description: Metrics of trainings, series that are longer than points as means of blocks of steps.
-- param: trainings text: JSON array of full ids of trainings
-- param: points integer = 300: most points of a series
WITH numbered AS (
  SELECT chosen.key AS place, training_id, name, step, training_metric.value AS value,
    row_number() OVER series - 1 AS row, count(*) OVER (PARTITION BY training_id, name) AS n
  FROM json_each(:trainings) AS chosen
  CROSS JOIN training_metric ON training_id = chosen.value
  WINDOW series AS (PARTITION BY training_id, name ORDER BY step)
)
-- block: how many measurements a row is the mean of; step: the last of them.
SELECT training_id AS training, name, max(step) AS step, avg(value) AS value, count(*) AS block
FROM numbered
GROUP BY place, name, row / ((n + :points - 1) / :points)
ORDER BY place, name, step;
