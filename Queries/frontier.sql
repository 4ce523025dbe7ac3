-- name: frontier
-- cardinality: many
-- description: Finished runs that no other beats in both accuracy and network evaluations.
-- param: dataset text = fashion-mnist: dataset of the runs
-- param: attack text = none: attack of the runs, none for clean ones on the dataset's own images
WITH candidate AS (
  SELECT * FROM runs
  WHERE status = 'finished' AND dataset = :dataset AND inputs_run IS NULL
    AND coalesce(attack, 'none') = :attack
)
SELECT id, name, classifier, strategy, grid, weights, lm, images, accuracy, accuracy_low,
  accuracy_high, nfe_per_image, gradients_per_image, seconds_per_image, replay_of
FROM candidate
WHERE NOT EXISTS (
  SELECT 1 FROM candidate AS other
  WHERE other.accuracy >= candidate.accuracy
    AND other.nfe_per_image + other.gradients_per_image
      <= candidate.nfe_per_image + candidate.gradients_per_image
    AND (other.accuracy > candidate.accuracy
      OR other.nfe_per_image + other.gradients_per_image
        < candidate.nfe_per_image + candidate.gradients_per_image)
)
ORDER BY nfe_per_image + gradients_per_image, id;
