-- name: accuracy-by-epsilon
-- cardinality: many
-- description: Accuracy of attacked runs' configurations at every budget, as the view robustness has it; at 0, of the same images clean.
-- param: runs text: JSON array of full ids of runs, of which the attacked ones count
WITH
  asked AS (
    SELECT fingerprint, dataset, split, norm, epsilon, group_concat(DISTINCT run_id) AS run_ids
    FROM json_each(:runs) AS chosen JOIN attempts ON run_id = chosen.value
    GROUP BY 1, 2, 3, 4, 5
  ),
  point AS (
    SELECT fingerprint, dataset, split, norm, epsilon, attacks, n, n_robust AS n_right, verdict,
      run_ids
    FROM asked JOIN robustness USING (fingerprint, dataset, split, norm, epsilon)
    UNION ALL
    SELECT fingerprint, dataset, split, norm, 0.0, 0, count(*),
      iif(sum(clean) = CAST(sum(clean) AS INTEGER), CAST(sum(clean) AS INTEGER), sum(clean)),
      'clean', (
        SELECT group_concat(run_ids) FROM asked
        WHERE (asked.fingerprint, asked.dataset, asked.split, asked.norm)
          = (image.fingerprint, image.dataset, image.split, image.norm)
      )
    FROM (
      SELECT fingerprint, dataset, split, norm, image, avg(clean) AS clean
      FROM verdicts JOIN asked USING (fingerprint, dataset, split, norm, epsilon)
      WHERE clean IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS image GROUP BY 1, 2, 3, 4
  )
SELECT point.*, classifier, model.name AS model, strategy, grid, weights, lm
FROM point
JOIN configuration ON configuration.fingerprint = point.fingerprint
JOIN model ON model.sha256 = configuration.model
ORDER BY norm DESC, point.fingerprint, epsilon;
