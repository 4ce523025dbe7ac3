-- name: pareto-front
-- cardinality: many
-- description: Finished runs that no other beats in both accuracy and NFE: the Pareto front.
-- param: dataset text = fashion-mnist: dataset of the runs
-- param: attack text = none: attack of the runs, none for clean ones on the dataset's own images
WITH
  candidate AS (
    SELECT *, nfe_per_image AS cost FROM runs
    WHERE status = 'finished' AND dataset = :dataset AND inputs_run IS NULL
      AND coalesce(attack, 'none') = :attack
  ),
  -- In one pass by rising cost, not against each other.
  ranked AS (
    SELECT *, max(accuracy) OVER (ORDER BY cost) AS best,
      max(accuracy) OVER (
        ORDER BY cost GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_cheaper
    FROM candidate
  )
SELECT id, name, classifier, strategy, grid, weights, lm, images, accuracy, accuracy_low,
  accuracy_high, nfe_per_image, gradients_per_image, seconds_per_image, replay_of
FROM ranked
WHERE accuracy IS NULL
  OR (accuracy = best AND (best_cheaper IS NULL OR accuracy > best_cheaper))
ORDER BY cost, id;
