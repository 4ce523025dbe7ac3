-- name: speeds
-- cardinality: many
-- description: What the newest finished runs of a classifier and its models took on a machine.
-- param: classifier text: its kind
-- param: model text: SHA-256 of its model
-- param: lm_model text = -: SHA-256 of the model of likelihood maximization, - for none of its own
-- param: precision text = fp32: of its networks' products
-- param: host text: the machine
-- param: threads integer: threads of the process
SELECT run.id AS id, run.fingerprint AS fingerprint, run_total.n AS n,
  run_total.nfe + run_total.attack_nfe AS nfe,
  run_total.gradients + run_total.attack_gradients AS gradients,
  run_total.seconds + run_total.attack_seconds AS seconds
FROM configuration
JOIN run ON run.fingerprint = configuration.fingerprint
JOIN run_total ON run_total.run_id = run.id
JOIN session ON session.run_id = run.id AND session.number = 0
WHERE configuration.classifier = :classifier AND configuration.model = :model
  AND coalesce(configuration.lm_model, '-') = :lm_model
  AND coalesce(json_extract(configuration.json, '$.precision'), 'fp32') = :precision
  AND run.replay_of IS NULL AND run.deleted_at IS NULL AND run.status = 'finished'
  AND session.host = :host AND session.threads = :threads
  AND NOT EXISTS (SELECT 1 FROM session AS other WHERE other.run_id = run.id AND other.number > 0)
ORDER BY run.id DESC LIMIT 10;
