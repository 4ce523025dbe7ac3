-- name: configurations
-- cardinality: many
-- description: Configurations with their number of runs and images, most used first.
SELECT configuration.fingerprint AS fingerprint, configuration.classifier AS classifier,
  configuration.grid AS grid, configuration.weights AS weights,
  configuration.strategy AS strategy, configuration.lm AS lm, count(run.id) AS runs,
  sum(run_total.n) AS images, max(run.started_at) AS last_run
FROM configuration
JOIN run ON run.fingerprint = configuration.fingerprint AND run.deleted_at IS NULL
JOIN run_total ON run_total.run_id = run.id
GROUP BY configuration.fingerprint ORDER BY runs DESC, last_run DESC;
