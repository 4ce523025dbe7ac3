-- What happens to runs after they are recorded: a trash, series of metrics, and runs that another
-- program made, whose tags, notes, groups and metrics are kept here as those of Elbow's own.

DROP VIEW robustness;
DROP VIEW class_elbos;
DROP VIEW predictions;
DROP VIEW runs;
DROP VIEW trainings;

-- One configuration over one list of inputs, clean or under one attack; or another program's run,
-- of which nothing is known but what is logged: then fingerprint, images, seed, the shape of the
-- images, class_names, records_losses and invocation are NULL.
CREATE TABLE run_of_any_kind (
  id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26), -- ULID: sorts by time
  name TEXT,
  run_group TEXT,
  note TEXT,
  status TEXT NOT NULL
    CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'crashed')),
  error TEXT,                       -- message of a failed run
  fingerprint TEXT REFERENCES configuration (fingerprint),
  dataset TEXT,                     -- of all inputs, NULL where they are of several
  split TEXT,
  images INTEGER CHECK (images > 0),
  timesteps INTEGER,                -- most that the strategy asks for any class, NULL where no
                                    -- losses are asked for
  inputs_run TEXT,                  -- id of the run whose recorded images are the inputs
  replay_of TEXT,                   -- id of the run whose losses were replayed, NULL: live
  seed INTEGER,                     -- of the defence's stream
  attack_seed INTEGER,              -- of the attacker's stream
  attack TEXT,                      -- NULL on clean runs
  norm TEXT CHECK (norm IN ('linf', 'l2')),
  epsilon REAL CHECK (epsilon > 0), -- pixel units
  attack_steps INTEGER,
  restarts INTEGER,
  eot INTEGER,
  gradient TEXT,
  class_names TEXT,                 -- JSON array
  channels INTEGER,
  height INTEGER,
  width INTEGER,
  records_losses INTEGER CHECK (records_losses IN (0, 1)),
  invocation TEXT,                  -- JSON that the program resumes from
  started_at TEXT NOT NULL,
  finished_at TEXT,
  deleted_at TEXT,                  -- when it went to the trash, NULL: it is not there
  CHECK ((attack IS NULL) = (norm IS NULL) AND (attack IS NULL) = (epsilon IS NULL)),
  CHECK ((fingerprint IS NULL) = (images IS NULL) AND (fingerprint IS NULL) = (seed IS NULL)
    AND (fingerprint IS NULL) = (class_names IS NULL) AND (fingerprint IS NULL) = (channels IS NULL)
    AND (fingerprint IS NULL) = (height IS NULL) AND (fingerprint IS NULL) = (width IS NULL)
    AND (fingerprint IS NULL) = (records_losses IS NULL)
    AND (fingerprint IS NULL) = (invocation IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO run_of_any_kind (id, name, run_group, note, status, error, fingerprint, dataset, split,
  images, timesteps, inputs_run, replay_of, seed, attack_seed, attack, norm, epsilon, attack_steps,
  restarts, eot, gradient, class_names, channels, height, width, records_losses, invocation,
  started_at, finished_at)
SELECT id, name, run_group, note, status, error, fingerprint, dataset, split,
  images, timesteps, inputs_run, replay_of, seed, attack_seed, attack, norm, epsilon, attack_steps,
  restarts, eot, gradient, class_names, channels, height, width, records_losses, invocation,
  started_at, finished_at
FROM run;
DROP TABLE run;
ALTER TABLE run_of_any_kind RENAME TO run;
CREATE INDEX run_by_fingerprint ON run (fingerprint, attack);
CREATE INDEX run_by_inputs ON run (inputs_run) WHERE inputs_run IS NOT NULL;
CREATE INDEX run_by_replay ON run (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX run_in_trash ON run (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TRIGGER run_has_totals AFTER INSERT ON run BEGIN
  INSERT INTO run_total (run_id) VALUES (new.id);
END;

-- One process that worked on a run; a resumed run has several. Of another program's run, where and
-- from which code it was begun: it lives until it is ended, so that no process is kept.
CREATE TABLE session_of_any_kind (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  started_at TEXT NOT NULL,
  ended_at TEXT,
  heartbeat_at TEXT,                -- older than 60 s on a running run: crashed
  host TEXT NOT NULL,
  -- From here to pid_namespace: NULL of another program's run.
  boot_id TEXT,
  pid INTEGER,
  pid_started TEXT,                 -- start time of the process in clock ticks since boot
  pid_namespace TEXT,
  argv TEXT NOT NULL,               -- JSON array
  cpu TEXT NOT NULL,
  -- From here to instruction_set: NULL of another program's run.
  threads INTEGER,
  batch INTEGER,
  blas TEXT,
  instruction_set TEXT,
  sqlite_version TEXT NOT NULL,
  elbow_version TEXT NOT NULL,
  git_commit TEXT,                  -- of the checkout that the program lies in, else of the
                                    -- working directory's, NULL where neither is one; of another
                                    -- program's run, of the working directory's
  git_dirty INTEGER CHECK (git_dirty IN (0, 1)),
  diff_sha256 TEXT REFERENCES code_diff (sha256),
  wall_seconds REAL,
  cpu_seconds REAL,
  peak_memory INTEGER,              -- bytes
  PRIMARY KEY (run_id, number),
  CHECK ((pid IS NULL) = (heartbeat_at IS NULL) AND (pid IS NULL) = (boot_id IS NULL)
    AND (pid IS NULL) = (pid_started IS NULL) AND (pid IS NULL) = (pid_namespace IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO session_of_any_kind SELECT * FROM session;
DROP TABLE session;
ALTER TABLE session_of_any_kind RENAME TO session;

-- A metric of a run or of a training, as it changes from step to step.
CREATE TABLE metric_series (
  id INTEGER PRIMARY KEY,
  run_id TEXT REFERENCES run (id) ON DELETE CASCADE,
  training_id TEXT REFERENCES training (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  points INTEGER NOT NULL DEFAULT 0, -- that were logged, repeated steps included
  UNIQUE (run_id, name),
  UNIQUE (training_id, name),
  CHECK ((run_id IS NULL) <> (training_id IS NULL))
) STRICT;

-- Every point that was logged. A series is read step by step; of a step that was logged more than
-- once the point that came last counts.
CREATE TABLE metric_point (
  series_id INTEGER NOT NULL REFERENCES metric_series (id) ON DELETE CASCADE,
  step INTEGER NOT NULL CHECK (step >= 0),
  arrival INTEGER NOT NULL CHECK (arrival >= 0), -- place among the series's points as they came
  value REAL,                       -- NULL: not a number; 9e999 and -9e999: infinite
  logged_at INTEGER,                -- milliseconds since 1970, UTC; NULL: not known
  PRIMARY KEY (series_id, step, arrival)
) STRICT, WITHOUT ROWID;

INSERT INTO metric_series (training_id, name, points)
SELECT training_id, name, count(*) FROM training_metric GROUP BY training_id, name;
INSERT INTO metric_point (series_id, step, arrival, value)
SELECT metric_series.id, step,
  row_number() OVER (PARTITION BY metric_series.id ORDER BY step) - 1, value
FROM training_metric JOIN metric_series USING (training_id, name);
DROP TABLE training_metric;

-- One row a step of a training's metric.
CREATE VIEW training_metric AS
SELECT series.training_id AS training_id, series.name AS name, point.step AS step,
  point.value AS value
FROM metric_series AS series
JOIN metric_point AS point ON point.series_id = series.id
WHERE series.training_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM metric_point AS later
  WHERE later.series_id = point.series_id AND later.step = point.step
    AND later.arrival > point.arrival);

CREATE VIEW trainings AS
SELECT
  id, kind,
  CASE
    WHEN status = 'running' AND (
      SELECT max(heartbeat_at) FROM training_session WHERE training_id = training.id
    ) < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds') THEN 'crashed'
    ELSE status
  END AS status,
  dataset, model_path, model_sha256, steps,
  (SELECT max(step) FROM training_metric WHERE training_id = training.id) AS steps_done,
  (SELECT value FROM training_metric WHERE training_id = training.id AND name = 'loss'
    ORDER BY step DESC LIMIT 1) AS loss,
  (SELECT value FROM training_metric WHERE training_id = training.id AND name = 'validation_loss'
    ORDER BY step DESC LIMIT 1) AS validation_loss,
  (SELECT sum(wall_seconds) FROM training_session WHERE training_id = training.id)
    AS wall_seconds,
  started_at, finished_at,
  (SELECT git_commit FROM training_session WHERE training_id = training.id AND number = 0)
    AS git_commit,
  recipe, error
FROM training;

-- One row a run, in the trash or not; the views runs and trash are its parts. Accuracies are
-- fractions of the images done, with Wilson 95 % bounds: centre +/- reach, whose square root is
-- Newton's, since SQLite's own is a compile-time option.
CREATE VIEW every_run AS
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
  run.replay_of AS replay_of,
  run.deleted_at AS deleted_at
FROM run
LEFT JOIN configuration ON configuration.fingerprint = run.fingerprint
LEFT JOIN model ON model.sha256 = configuration.model
LEFT JOIN interval ON interval.run_id = run.id;

-- One row a run that is not in the trash.
CREATE VIEW runs AS
SELECT
  id, name, status, "group", classifier, model, model_sha256, fingerprint, dataset, split, images,
  strategy, timesteps, grid, weights, noise, loss, reduction, lm, eta, attack, norm, epsilon,
  accuracy, accuracy_low, accuracy_high, n_correct, nfe_per_image, gradients_per_image,
  seconds_per_image, attack_gradients_per_image, attack_seconds_per_image, seed, started_at,
  finished_at, git_commit, n_done, attack_seed, attack_steps, restarts, eot, inputs_run, note,
  error, replay_of
FROM every_run WHERE deleted_at IS NULL;

-- One row a run in the trash.
CREATE VIEW trash AS
SELECT * FROM every_run WHERE deleted_at IS NOT NULL;

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
JOIN run ON run.id = prediction.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run_id = prediction.run_id
  AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id;

-- One row an image and class.
CREATE VIEW class_elbos AS
SELECT
  class_elbo.run_id AS run_id,
  input.image_index AS image_index,
  class_elbo.class AS class,
  class_elbo.elbo AS elbo,
  class_elbo.last_round AS last_round,
  class_elbo.position AS position
FROM class_elbo
JOIN run ON run.id = class_elbo.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run_id = class_elbo.run_id
  AND run_input.position = class_elbo.position
JOIN input ON input.id = run_input.input_id;

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
    WHERE run.attack IS NOT NULL AND run.deleted_at IS NULL
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

-- One row a step of a run's metric: the point that counts. A value that is NULL is not a number.
CREATE VIEW metrics AS
SELECT series.run_id AS run_id, series.name AS name, point.step AS step, point.value AS value,
  strftime('%Y-%m-%dT%H:%M:%fZ', point.logged_at / 1000.0, 'unixepoch') AS logged_at
FROM metric_series AS series
JOIN run ON run.id = series.run_id AND run.deleted_at IS NULL
JOIN metric_point AS point ON point.series_id = series.id
WHERE NOT EXISTS (
  SELECT 1 FROM metric_point AS later
  WHERE later.series_id = point.series_id AND later.step = point.step
    AND later.arrival > point.arrival);
