-- name: timesteps
-- cardinality: many
-- description: A run's noise grid with its weights and the strategy's subset.
-- param: run run: the run
SELECT timestep, sigma, weight, strategy_weight
FROM run_timestep WHERE run_id = :run ORDER BY timestep;
