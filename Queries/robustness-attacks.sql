-- name: robustness-attacks
-- cardinality: many
-- description: The attacks behind every row of robustness: on how many images, how many stood, with what effort, and what they broke that no attack with gradients did.
WITH
  -- Whether an attack that sees gradients broke the image; of an ensemble the member counts.
  seen AS (
    SELECT *,
      noise <> 'transfer'
        AND coalesce(broken_by, attack_name) NOT IN ('square', 'uniform-noise') AS has_gradients
    FROM attempts
  ),
  white_box AS (
    SELECT fingerprint, dataset, split, norm, epsilon, image, min(correct) AS stood
    FROM seen WHERE has_gradients GROUP BY 1, 2, 3, 4, 5, 6
  )
SELECT fingerprint, dataset, split, norm, epsilon, attack,
  min(attack_name) AS attack_name, min(noise) AS noise,
  count(DISTINCT image) AS n, count(DISTINCT CASE WHEN correct THEN image END) AS n_stood,
  1.0 * sum(correct) / count(*) AS accuracy,
  count(DISTINCT CASE WHEN NOT has_gradients AND NOT correct AND clean_correct
    AND coalesce(white_box.stood, 1) THEN image END) AS n_beyond,
  max(attack_steps) AS attack_steps, max(restarts) AS restarts, max(eot) AS eot,
  max(gradient) AS gradient, count(DISTINCT seed) AS seeds,
  count(DISTINCT attack_seed) AS attack_seeds,
  group_concat(DISTINCT run_id) AS run_ids
FROM seen
LEFT JOIN white_box USING (fingerprint, dataset, split, norm, epsilon, image)
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY fingerprint, norm, epsilon, accuracy, attack;
