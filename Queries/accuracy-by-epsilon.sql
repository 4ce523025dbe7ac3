-- name: accuracy-by-epsilon
-- cardinality: many
-- description: Accuracy of configurations at every budget of attack; at 0, of the same images clean.
-- param: runs text: JSON array of full ids of runs, of which the attacked ones count
WITH
  attempt AS (
    SELECT attempts.* FROM json_each(:runs) AS chosen JOIN attempts ON run_id = chosen.value
  ),
  tried AS (
    SELECT fingerprint, dataset, split, norm, epsilon, count(DISTINCT attack) AS attacks,
      group_concat(DISTINCT run_id) AS run_ids
    FROM attempt GROUP BY 1, 2, 3, 4, 5
  ),
  -- An image counts where every attack of the budget was tried on it.
  worst AS (
    SELECT attempt.fingerprint, attempt.dataset, attempt.split, attempt.norm, attempt.epsilon,
      image, min(correct) AS correct, min(clean_correct) AS clean, tried.attacks, tried.run_ids
    FROM attempt JOIN tried USING (fingerprint, dataset, split, norm, epsilon)
    GROUP BY 1, 2, 3, 4, 5, 6
    HAVING count(DISTINCT attempt.attack) = tried.attacks
  ),
  point AS (
    SELECT fingerprint, dataset, split, norm, epsilon, attacks, count(*) AS n,
      sum(correct) AS n_right, run_ids
    FROM worst GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT fingerprint, dataset, split, norm, 0.0, 0, count(*), sum(clean), (
        SELECT group_concat(run_ids) FROM tried
        WHERE (tried.fingerprint, tried.dataset, tried.split, tried.norm)
          = (image.fingerprint, image.dataset, image.split, image.norm)
      )
    FROM (
      SELECT fingerprint, dataset, split, norm, image, min(clean) AS clean
      FROM worst GROUP BY 1, 2, 3, 4, 5
    ) AS image GROUP BY 1, 2, 3, 4
  )
SELECT point.*, classifier, model.name AS model, strategy, grid, weights, lm
FROM point
JOIN configuration ON configuration.fingerprint = point.fingerprint
JOIN model ON model.sha256 = configuration.model
ORDER BY norm DESC, point.fingerprint, epsilon;
