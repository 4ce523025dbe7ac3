-- One row a configuration and threat model of which no robust accuracy is kept: what robustness says of it, worked out.
CREATE VIEW unkept_robustness AS
WITH
  image_verdict AS MATERIALIZED (SELECT * FROM unkept_verdicts),
  attempt AS (
    SELECT fingerprint, dataset, split, norm, epsilon, attack,
      count(DISTINCT CASE WHEN stands THEN image END) AS standing
    FROM attempts
    JOIN image_verdict USING (fingerprint, dataset, split, norm, epsilon, image)
    GROUP BY 1, 2, 3, 4, 5, 6
  ),
  total AS (
    SELECT fingerprint, dataset, split, norm, epsilon, max(headline) AS verdict,
      max(seeds) AS seeds, sum(stands) AS standing,
      count(share) AS n, sum(share) AS n_robust, avg(clean) AS clean,
      avg(frozen) AS frozen, avg(one_shot) AS one_shot,
      avg(mean_of_draws) AS mean_of_draws, avg(worst_of_draws) AS worst_of_draws,
      avg(majority_of_draws) AS majority_of_draws, avg(resubmission) AS resubmission
    FROM image_verdict GROUP BY 1, 2, 3, 4, 5
  )
SELECT
  fingerprint,
  configuration.classifier AS classifier,
  configuration.strategy AS strategy,
  dataset, split, norm, epsilon,
  count(*) AS attacks,
  n,
  iif(n_robust = CAST(n_robust AS INTEGER), CAST(n_robust AS INTEGER), n_robust) AS n_robust,
  1.0 * n_robust / n AS accuracy,
  verdict,
  -- Attacks that were not tried on all images that still stand.
  sum(attempt.standing < total.standing) AS partial,
  seeds, clean, frozen, one_shot, mean_of_draws, worst_of_draws, majority_of_draws,
  CASE WHEN seeds > 1 THEN resubmission END AS resubmission
FROM total
JOIN attempt USING (fingerprint, dataset, split, norm, epsilon)
JOIN configuration USING (fingerprint)
GROUP BY fingerprint, dataset, split, norm, epsilon;
