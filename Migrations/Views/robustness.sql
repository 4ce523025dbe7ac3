-- One row a configuration and threat model: accuracy under the worst of all recorded attacks of finished runs. The headline of a classifier that draws noise is the lower of frozen and mean_of_draws, of corruptions their mean.
CREATE VIEW robustness AS
WITH
  image_verdict AS MATERIALIZED (SELECT * FROM verdicts),
  attempt AS (
    SELECT fingerprint, dataset, split, norm, epsilon, attack,
      count(DISTINCT CASE WHEN stands THEN image END) AS standing
    FROM attempts
    JOIN image_verdict USING (fingerprint, dataset, split, norm, epsilon, image)
    GROUP BY 1, 2, 3, 4, 5, 6
  ),
  total AS (
    SELECT fingerprint, dataset, split, norm, epsilon,
      max(randomized) AS randomized, max(seeds) AS seeds, sum(stands) AS standing,
      count(*) AS n_images, avg(clean) AS clean,
      count(certain) AS n_certain, sum(certain) AS certain,
      count(frozen) AS n_frozen, sum(frozen) AS frozen,
      count(one_shot) AS n_one_shot, sum(one_shot) AS one_shot,
      count(mean_of_draws) AS n_draws, sum(mean_of_draws) AS mean_of_draws,
      avg(worst_of_draws) AS worst_of_draws, avg(majority_of_draws) AS majority_of_draws,
      avg(resubmission) AS resubmission,
      count(shift) AS n_shift, sum(shift) AS shift
    FROM image_verdict GROUP BY 1, 2, 3, 4, 5
  ),
  headline AS (
    SELECT *,
      CASE
        WHEN norm = 'corruption' THEN 'mean of shifts'
        WHEN NOT randomized THEN 'worst of attacks'
        -- The lower of the two on the same images, else the one on more of them.
        WHEN n_frozen > n_draws
          OR (n_frozen = n_draws AND n_frozen > 0 AND frozen <= mean_of_draws) THEN 'frozen'
        WHEN n_draws > 0 THEN 'mean of draws'
        ELSE 'one shot'
      END AS verdict
    FROM total
  ),
  counted AS (
    SELECT *,
      CASE verdict WHEN 'mean of shifts' THEN n_shift WHEN 'worst of attacks' THEN n_certain
        WHEN 'frozen' THEN n_frozen WHEN 'mean of draws' THEN n_draws ELSE n_one_shot END AS n,
      CASE verdict WHEN 'mean of shifts' THEN shift WHEN 'worst of attacks' THEN certain
        WHEN 'frozen' THEN frozen WHEN 'mean of draws' THEN mean_of_draws ELSE one_shot END
        AS n_robust
    FROM headline
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
  sum(attempt.standing < counted.standing) AS partial,
  seeds, clean,
  frozen / nullif(n_frozen, 0) AS frozen,
  one_shot / nullif(n_one_shot, 0) AS one_shot,
  mean_of_draws / nullif(n_draws, 0) AS mean_of_draws,
  worst_of_draws, majority_of_draws,
  CASE WHEN seeds > 1 THEN resubmission END AS resubmission
FROM counted
JOIN attempt USING (fingerprint, dataset, split, norm, epsilon)
JOIN configuration USING (fingerprint)
GROUP BY fingerprint, dataset, split, norm, epsilon;
