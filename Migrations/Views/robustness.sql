-- One row a configuration and threat model: accuracy under the worst of all recorded attacks of finished runs. The headline of a classifier that draws noise is the lower of frozen and mean_of_draws, of corruptions their mean.
CREATE VIEW robustness AS
SELECT
  fingerprint,
  configuration.classifier AS classifier,
  configuration.strategy AS strategy,
  dataset, split, norm, epsilon,
  attacks, n, n_robust,
  1.0 * n_robust / n AS accuracy,
  verdict,
  partial, -- attacks that were not tried on all images that still stand
  seeds, clean, frozen, one_shot, mean_of_draws, worst_of_draws, majority_of_draws,
  resubmission
FROM robust_total
JOIN configuration USING (fingerprint)
WHERE fingerprint IN (SELECT fingerprint FROM robust_basis)
UNION ALL
SELECT fingerprint, classifier, strategy, dataset, split, norm, epsilon, attacks, n, n_robust,
  accuracy, verdict, partial, seeds, clean, frozen, one_shot, mean_of_draws, worst_of_draws,
  majority_of_draws, resubmission
FROM unkept_robustness;
