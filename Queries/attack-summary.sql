-- name: attack-summary
-- cardinality: one
-- description: What a run's attack did: images attacked and broken, zero gradients, distances.
-- param: run run: the run
SELECT count(*) AS n, sum(attacked) AS attacked, sum(attacked = 1 AND correct = 0) AS broken,
  1.0 * sum(attacked) / count(*) AS clean_accuracy,
  avg(attack_zero_gradients) AS zero_gradients,
  max(attack_zero_gradients) AS most_zero_gradients,
  max(attack_linf) AS largest_linf, max(attack_l2) AS largest_l2
FROM run_total
JOIN prediction ON prediction.run = run_total.number
WHERE run_id = :run AND attacked IS NOT NULL;
