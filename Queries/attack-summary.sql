-- name: attack-summary
-- cardinality: one
-- description: What a run's attack did: images attacked and broken, zero gradients, distances, answers on fresh draws.
-- param: run run: the run
SELECT count(*) AS n, sum(attacked) AS attacked, sum(attacked = 1 AND correct = 0) AS broken,
  1.0 * sum(clean_predicted = input.label) / count(*) AS clean_accuracy,
  avg(attack_zero_gradients) AS zero_gradients,
  max(attack_zero_gradients) AS most_zero_gradients,
  max(attack_linf) AS largest_linf, max(attack_l2) AS largest_l2,
  max(redraws) AS redraws,
  -- Shares of all images; those that are wrong when clean are wrong.
  1.0 * sum(1.0 * redraws_correct / redraws) / count(*) AS mean_of_draws,
  1.0 * sum(redraws_correct = redraws) / count(*) AS worst_of_draws,
  1.0 * sum(redraws_majority = input.label) / count(*) AS majority_of_draws
FROM run_total
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
WHERE run_id = :run AND attacked IS NOT NULL;
