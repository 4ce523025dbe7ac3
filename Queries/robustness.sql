-- name: robustness
-- cardinality: many
-- description: Accuracy under the worst of all recorded attacks, by configuration and threat model.
SELECT * FROM robustness ORDER BY norm, epsilon, accuracy DESC, fingerprint;
