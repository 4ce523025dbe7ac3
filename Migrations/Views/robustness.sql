-- One row a configuration and threat model: accuracy under the worst of all recorded attacks. An
-- image counts where every one of these attacks was tried on it, and is right where it is right
-- when clean and under all of them.
CREATE VIEW robustness AS
WITH
  attack_on AS (
    SELECT fingerprint, dataset, split, norm, epsilon, image, attack, min(correct) AS correct
    FROM attempts GROUP BY 1, 2, 3, 4, 5, 6, 7
  ),
  tried AS (
    SELECT fingerprint, dataset, split, norm, epsilon, count(DISTINCT attack) AS attacks
    FROM attack_on GROUP BY 1, 2, 3, 4, 5
  ),
  worst AS (
    SELECT fingerprint, dataset, split, norm, epsilon, image, count(*) AS attacks,
      min(correct) AS correct
    FROM attack_on GROUP BY 1, 2, 3, 4, 5, 6
  )
SELECT
  tried.fingerprint AS fingerprint,
  configuration.classifier AS classifier,
  configuration.strategy AS strategy,
  tried.dataset AS dataset,
  tried.split AS split,
  tried.norm AS norm,
  tried.epsilon AS epsilon,
  tried.attacks AS attacks,
  count(worst.image) AS n,
  coalesce(sum(worst.correct), 0) AS n_robust,
  1.0 * sum(worst.correct) / count(worst.image) AS accuracy
FROM tried
JOIN configuration ON configuration.fingerprint = tried.fingerprint
LEFT JOIN worst ON worst.fingerprint = tried.fingerprint AND worst.dataset = tried.dataset
  AND worst.split = tried.split AND worst.norm = tried.norm AND worst.epsilon = tried.epsilon
  AND worst.attacks = tried.attacks
GROUP BY 1, 4, 5, 6, 7;
