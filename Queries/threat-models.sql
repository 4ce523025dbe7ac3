-- name: threat-models
-- cardinality: many
-- description: Norms and budgets that attacks were recorded under, and how many configurations and runs met them.
SELECT norm, epsilon, count(DISTINCT fingerprint) AS configurations, count(DISTINCT run_id) AS runs
FROM attempts
GROUP BY norm, epsilon
ORDER BY norm, epsilon;
