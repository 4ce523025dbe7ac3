-- name: certificates
-- cardinality: many
-- description: Votes of randomized smoothing and the radius that they certify, one row an image.
-- param: run run: full id of the run
SELECT
  class_evidence.position AS position,
  predictions.image_index AS image_index,
  predictions.label AS label,
  predictions.predicted AS predicted,
  exp(class_evidence.elbo) AS share, -- of the draws, that the class chosen beforehand has
  -- ℓ2, pixel units, at confidence 99.9 %; 0: the classifier abstains.
  iif(class_evidence.class = predictions.predicted,
    elbow_certified_radius(class_evidence.elbo, runs.randomized_smoothing), 0.0) AS radius
FROM runs
JOIN predictions ON predictions.run_id = runs.id
JOIN run_total ON run_total.run_id = runs.id
-- The class whose share is bounded was asked for once more than the others.
JOIN class_evidence ON class_evidence.run = run_total.number
  AND class_evidence.position = predictions.position AND class_evidence.last_round = 1
WHERE runs.id = :run AND runs.randomized_smoothing IS NOT NULL
ORDER BY class_evidence.position;
