-- name: accuracy-cost
-- cardinality: many
-- description: Accuracy and cost (NFE) of runs; newest = 1 where none asks the same of the same later.
-- param: runs text: JSON array of full ids of runs
SELECT runs.*, nfe_per_image AS cost,
  row_number() OVER (
    -- A live run says more than its replay: it has seconds.
    PARTITION BY question
    ORDER BY replay_of IS NOT NULL, runs.id DESC
  ) = 1 AS newest
FROM json_each(:runs) AS chosen
CROSS JOIN runs ON runs.id = chosen.value
WHERE n_done > 0
ORDER BY cost, runs.id;
