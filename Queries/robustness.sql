-- name: robustness
-- cardinality: many
-- description: Accuracy under the worst of all recorded attacks, by configuration and threat model.
SELECT robustness.*, model.name AS model, grid, weights, lm,
  json_extract(configuration.json, '$.purify') AS purify,
  json_extract(configuration.json, '$.randomized_smoothing') AS randomized_smoothing,
  coalesce(json_extract(configuration.json, '$.precision'), 'fp32') AS precision,
  configuration.json AS configuration
FROM robustness
JOIN configuration USING (fingerprint)
LEFT JOIN model ON model.sha256 = configuration.model
ORDER BY norm, epsilon, accuracy DESC, fingerprint;
