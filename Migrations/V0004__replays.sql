-- Replayed runs: strategies on the losses that another run recorded, without a network. What they
-- would have cost is counted as if they had run; seconds, which they did not take, are NULL in the
-- views and 0 in the tables.

ALTER TABLE run ADD COLUMN replay_of TEXT; -- id of the run whose losses were replayed, NULL: live

DROP VIEW runs;
DROP VIEW predictions;

-- One row a run. Accuracies are fractions of the images done, with Wilson 95 % bounds: centre
-- +/- reach, whose square root is Newton's, since SQLite's own is a compile-time option.
CREATE VIEW runs AS
WITH
  measured AS (
    SELECT run_id, n, n_correct, nfe, gradients, seconds, attack_gradients, attack_seconds,
      1.0 * n_correct / n AS p, 3.8414588206941236 AS zz
    FROM run_total
    WHERE n > 0
  ),
  interval AS (
    SELECT *, (p + zz / (2 * n)) / (1 + zz / n) AS centre,
      (
        WITH RECURSIVE newton (step, root) AS (
          SELECT 0, 1.0
          UNION ALL
          SELECT step + 1,
            (root + (zz * (p * (1 - p) / n + zz / (4.0 * n * n))) / root) / 2
          FROM newton WHERE step < 60
        )
        SELECT root FROM newton WHERE step = 60
      ) / (1 + zz / n) AS reach
    FROM measured
  )
SELECT
  run.id AS id,
  run.name AS name,
  CASE
    WHEN run.status = 'running' AND (
      SELECT max(heartbeat_at) FROM session WHERE session.run_id = run.id
    ) < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds') THEN 'crashed'
    ELSE run.status
  END AS status,
  run.run_group AS "group",
  configuration.classifier AS classifier,
  model.name AS model,
  model.sha256 AS model_sha256,
  run.fingerprint AS fingerprint,
  run.dataset AS dataset,
  run.split AS split,
  run.images AS images,
  configuration.strategy AS strategy,
  run.timesteps AS timesteps,
  configuration.grid AS grid,
  configuration.weights AS weights,
  configuration.noise AS noise,
  configuration.loss AS loss,
  configuration.reduction AS reduction,
  configuration.lm AS lm,
  configuration.eta AS eta,
  run.attack AS attack,
  run.norm AS norm,
  run.epsilon AS epsilon,
  interval.p AS accuracy,
  max(interval.centre - interval.reach, 0.0) AS accuracy_low,
  min(interval.centre + interval.reach, 1.0) AS accuracy_high,
  interval.n_correct AS n_correct,
  1.0 * interval.nfe / interval.n AS nfe_per_image,
  1.0 * interval.gradients / interval.n AS gradients_per_image,
  CASE WHEN run.replay_of IS NULL THEN interval.seconds / interval.n END AS seconds_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN 1.0 * interval.attack_gradients / interval.n END AS attack_gradients_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN interval.attack_seconds / interval.n END AS attack_seconds_per_image,
  run.seed AS seed,
  run.started_at AS started_at,
  run.finished_at AS finished_at,
  (SELECT git_commit FROM session WHERE session.run_id = run.id AND number = 0) AS git_commit,
  coalesce(interval.n, 0) AS n_done,
  run.attack_seed AS attack_seed,
  run.attack_steps AS attack_steps,
  run.restarts AS restarts,
  run.eot AS eot,
  run.inputs_run AS inputs_run,
  run.note AS note,
  run.error AS error,
  run.replay_of AS replay_of
FROM run
JOIN configuration ON configuration.fingerprint = run.fingerprint
JOIN model ON model.sha256 = configuration.model
LEFT JOIN interval ON interval.run_id = run.id;

-- One row an image that a run has classified.
CREATE VIEW predictions AS
SELECT
  prediction.run_id AS run_id,
  input.image_index AS image_index,
  input.label AS label,
  prediction.predicted AS predicted,
  prediction.correct AS correct,
  prediction.nfe AS nfe,
  prediction.gradients AS gradients,
  CASE WHEN run.replay_of IS NULL THEN prediction.seconds END AS seconds,
  prediction.movement_max AS movement_max,
  prediction.movement_mean AS movement_mean,
  prediction.clean_predicted AS clean_predicted,
  prediction.attacked AS attacked,
  prediction.attack_nfe AS attack_nfe,
  prediction.attack_gradients AS attack_gradients,
  prediction.attack_seconds AS attack_seconds,
  prediction.attack_zero_gradients AS attack_zero_gradients,
  prediction.attack_loss AS attack_loss,
  prediction.attack_linf AS attack_linf,
  prediction.attack_l2 AS attack_l2,
  prediction.position AS position,
  input.dataset AS dataset,
  input.split AS split,
  input.sha256 AS sha256
FROM prediction
JOIN run ON run.id = prediction.run_id
JOIN run_input ON run_input.run_id = prediction.run_id
  AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id;
