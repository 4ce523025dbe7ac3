-- Classifiers that are networks of their own (cnn, lm+cnn): they weigh no denoising losses, so that
-- what says how losses are weighed is NULL, and class_elbo.elbo is the logit of the class.

DROP VIEW robustness;
DROP VIEW runs;

-- What is asked of every image; json is the whole of it, the columns are its common fields.
CREATE TABLE configuration_with_nulls (
  fingerprint TEXT PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 64), -- SHA-256 of json
  json TEXT NOT NULL,               -- canonical (RFC 8785), neutral fields left out
  classifier TEXT NOT NULL,
  model TEXT NOT NULL REFERENCES model (sha256),
  lm_model TEXT REFERENCES model (sha256),
  -- From here to strategy: NULL where the classifier weighs no losses.
  grid TEXT,
  weights TEXT,
  loss TEXT CHECK (loss IN ('squared', 'absolute')),
  reduction TEXT CHECK (reduction IN ('sum', 'mean')),
  logit_scale REAL CHECK (logit_scale > 0),
  noise TEXT CHECK (noise IN ('shared', 'fresh')),
  share_timesteps INTEGER CHECK (share_timesteps IN (0, 1)),
  antithetic INTEGER CHECK (antithetic IN (0, 1)),
  draws INTEGER CHECK (draws > 0),
  strategy TEXT,
  lm TEXT,                          -- variant of likelihood maximization, NULL without
  lm_steps INTEGER,
  lm_rate REAL,
  lm_sigma_low REAL,
  lm_sigma_high REAL,
  eta REAL,                         -- bound on its movement, pixel units
  CHECK ((grid IS NULL) = (weights IS NULL) AND (grid IS NULL) = (strategy IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO configuration_with_nulls SELECT * FROM configuration;
DROP TABLE configuration;
ALTER TABLE configuration_with_nulls RENAME TO configuration;

ALTER TABLE run RENAME COLUMN timesteps TO timesteps_not_null;
-- Most that the strategy asks for any class, NULL where no losses are asked for.
ALTER TABLE run ADD COLUMN timesteps INTEGER;
UPDATE run SET timesteps = timesteps_not_null;
ALTER TABLE run DROP COLUMN timesteps_not_null;

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
  interval.seconds / interval.n AS seconds_per_image,
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
  run.error AS error
FROM run
JOIN configuration ON configuration.fingerprint = run.fingerprint
JOIN model ON model.sha256 = configuration.model
LEFT JOIN interval ON interval.run_id = run.id;

-- Accuracy under the worst of all recorded attacks of a threat model, for each configuration: an
-- image counts where every one of these attacks was tried on it, and is right where it is right
-- when clean and under all of them.
CREATE VIEW robustness AS
WITH
  attack_on AS (
    SELECT run.fingerprint, input.dataset, input.split, run.norm, run.epsilon, input.id AS input_id,
      run.attack || coalesce(' x' || run.attack_steps, '') || coalesce(' eot ' || run.eot, '')
        AS attack,
      min(prediction.correct) AS correct
    FROM run
    JOIN prediction ON prediction.run_id = run.id
    JOIN run_input ON run_input.run_id = prediction.run_id
      AND run_input.position = prediction.position
    JOIN input ON input.id = run_input.input_id
    WHERE run.attack IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6, 7
  ),
  tried AS (
    SELECT fingerprint, dataset, split, norm, epsilon, count(DISTINCT attack) AS attacks
    FROM attack_on GROUP BY 1, 2, 3, 4, 5
  ),
  worst AS (
    SELECT fingerprint, dataset, split, norm, epsilon, input_id, count(*) AS attacks,
      min(correct) AS correct
    FROM attack_on GROUP BY 1, 2, 3, 4, 5, 6
  )
SELECT
  tried.fingerprint AS fingerprint,
  configuration.classifier AS classifier,
  configuration.strategy AS strategy,
  tried.dataset AS dataset,
  tried.split AS split,
  tried.norm AS norm,
  tried.epsilon AS epsilon,
  tried.attacks AS attacks,
  count(worst.input_id) AS n,
  coalesce(sum(worst.correct), 0) AS n_robust,
  1.0 * sum(worst.correct) / count(worst.input_id) AS accuracy
FROM tried
JOIN configuration ON configuration.fingerprint = tried.fingerprint
LEFT JOIN worst ON worst.fingerprint = tried.fingerprint AND worst.dataset = tried.dataset
  AND worst.split = tried.split AND worst.norm = tried.norm AND worst.epsilon = tried.epsilon
  AND worst.attacks = tried.attacks
GROUP BY 1, 4, 5, 6, 7;
