-- One row an image of a configuration and threat model: what is right under the worst of all attacks of finished runs, in each sense of right; a fraction where several seeds of the defence, or draws, were tried.
CREATE VIEW verdicts AS
SELECT
  fingerprint, dataset, split, norm, epsilon, image,
  randomized, -- whether the classifier draws noise
  robust_verdict.seeds AS seeds, -- of the defence
  robust_verdict.clean AS clean,
  stands, -- 1: no attempt of any kind broke it
  certain,
  robust_verdict.frozen AS frozen,
  robust_verdict.one_shot AS one_shot,
  robust_verdict.mean_of_draws AS mean_of_draws,
  robust_verdict.worst_of_draws AS worst_of_draws,
  robust_verdict.majority_of_draws AS majority_of_draws,
  robust_verdict.resubmission AS resubmission, -- under the worst of all seeds tried: an attacker who may ask again
  shift,
  verdict AS headline, -- the sense of right that the configuration is judged by
  share -- right in that sense
FROM robust_total
JOIN robust_verdict ON robust_verdict.total = robust_total.id
WHERE fingerprint IN (SELECT fingerprint FROM robust_basis)
UNION ALL
SELECT fingerprint, dataset, split, norm, epsilon, image, randomized, seeds, clean, stands, certain,
  frozen, one_shot, mean_of_draws, worst_of_draws, majority_of_draws, resubmission, shift, headline,
  share
FROM unkept_verdicts;
