-- One row an image of a configuration and threat model of which no robust accuracy is kept: what verdicts says of it, worked out.
CREATE VIEW unkept_verdicts AS
WITH
  -- Configurations by numbers, which are sorted quicker than their hashes, and whether the classifier
  -- draws noise; looked up for every attempt.
  answering AS MATERIALIZED (
    SELECT fingerprint, row_number() OVER (ORDER BY fingerprint) AS number,
      json_extract(json, '$.randomized_smoothing') IS NOT NULL
        OR (classifier <> 'cnn' AND NOT (
          classifier = 'purify+cnn'
          AND coalesce(json_extract(json, '$.purify') LIKE 'denoise:%', 0))) AS randomized
    FROM configuration
    WHERE fingerprint NOT IN (SELECT fingerprint FROM robust_basis)
  ),
  -- The worst of the attacks of one budget on one seed of the defence, which no attack may choose; a
  -- classifier that draws nothing has none. Of corruptions each kind for itself.
  budget AS (
    SELECT answering.number AS number, source, norm, epsilon, iif(randomized, seed, 0) AS seed, image,
      randomized,
      min(clean_correct) AS clean,
      min(correct AND coalesce(clean_correct, 1)) AS correct,
      -- What another attack had made knows nothing of the noise, and is answered on the same.
      min(CASE WHEN noise = 'frozen' THEN correct
        WHEN noise = 'transfer' THEN correct AND coalesce(clean_correct, 1) END) AS frozen,
      min(CASE WHEN noise <> 'frozen' THEN correct AND coalesce(clean_correct, 1) END) AS one_shot,
      min(mean_of_draws) AS mean_of_draws,
      min(worst_of_draws) AS worst_of_draws,
      min(majority_of_draws) AS majority_of_draws,
      avg(correct) AS shift
    -- Configurations first: where few are asked for, only their runs are read.
    FROM answering CROSS JOIN attempts USING (fingerprint)
    GROUP BY 1, 2, 3, 4, 5, 6, iif(norm = 'corruption', attack_name, '')
  ),
  -- What breaks an image within a smaller budget breaks it within a larger one; of corruptions the
  -- budget is a severity, which bounds nothing.
  seeded AS (
    SELECT number, source, norm, epsilon, seed, image, randomized, clean, shift,
      iif(correct IS NULL, NULL, min(correct) OVER smaller) AS correct,
      iif(frozen IS NULL, NULL, min(frozen) OVER smaller) AS frozen,
      iif(one_shot IS NULL, NULL, min(one_shot) OVER smaller) AS one_shot,
      iif(mean_of_draws IS NULL, NULL, min(mean_of_draws) OVER smaller) AS mean_of_draws,
      iif(worst_of_draws IS NULL, NULL, min(worst_of_draws) OVER smaller) AS worst_of_draws,
      iif(majority_of_draws IS NULL, NULL, min(majority_of_draws) OVER smaller)
        AS majority_of_draws
    FROM budget
    WINDOW smaller AS (
      PARTITION BY number, source, norm, seed, image,
        iif(norm = 'corruption', epsilon, 0)
      ORDER BY epsilon
    )
  ),
  verdict AS MATERIALIZED (
    SELECT number, source, norm, epsilon, image, randomized,
      count(DISTINCT seed) AS seeds,
      avg(clean) AS clean,
      min(correct) AS stands,
      CASE WHEN NOT randomized THEN min(correct) END AS certain,
      CASE WHEN randomized THEN avg(frozen) END AS frozen,
      CASE WHEN randomized THEN avg(one_shot) END AS one_shot,
      avg(mean_of_draws) AS mean_of_draws,
      avg(worst_of_draws) AS worst_of_draws,
      avg(majority_of_draws) AS majority_of_draws,
      CASE WHEN randomized THEN min(one_shot) END AS resubmission,
      CASE WHEN norm = 'corruption' THEN avg(shift) END AS shift
    FROM seeded GROUP BY 1, 2, 3, 4, 5
  ),
  -- The sense that a configuration's headline is of.
  total AS (
    SELECT number, source, norm, epsilon,
      CASE
        WHEN norm = 'corruption' THEN 'mean of shifts'
        WHEN NOT max(randomized) THEN 'worst of attacks'
        -- The lower of the two on the same images, else the one on more of them.
        WHEN count(frozen) > count(mean_of_draws)
          OR (count(frozen) = count(mean_of_draws) AND sum(frozen) <= sum(mean_of_draws))
          THEN 'frozen'
        WHEN count(mean_of_draws) > 0 THEN 'mean of draws'
        ELSE 'one shot'
      END AS headline
    FROM verdict GROUP BY 1, 2, 3, 4
  )
SELECT
  fingerprint, dataset, split, verdict.norm AS norm, verdict.epsilon AS epsilon, image,
  verdict.randomized AS randomized, -- whether the classifier draws noise
  seeds, -- of the defence
  clean,
  stands, -- 1: no attempt of any kind broke it
  certain, frozen, one_shot, mean_of_draws, worst_of_draws, majority_of_draws,
  resubmission, -- under the worst of all seeds tried: an attacker who may ask again
  shift,
  headline, -- the sense of right that the configuration is judged by
  CASE headline WHEN 'mean of shifts' THEN shift WHEN 'worst of attacks' THEN certain
    WHEN 'frozen' THEN frozen WHEN 'mean of draws' THEN mean_of_draws ELSE one_shot END
    AS share -- right in that sense
FROM verdict
JOIN total USING (number, source, norm, epsilon)
JOIN answering ON answering.number = verdict.number
JOIN source ON source.id = verdict.source;
