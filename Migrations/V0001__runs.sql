-- Runs, what they were given, and what came of every image.
--
-- Tables are what the program writes; people read the views at the end: runs, predictions,
-- class_elbos, robustness. Times are UTC, ISO 8601, with milliseconds. Pixel units are [0, 1].

-- Networks, and support sets of the optimal diffusion classifier.
CREATE TABLE model (
  sha256 TEXT PRIMARY KEY NOT NULL CHECK (length(sha256) = 64),
  name TEXT NOT NULL,               -- shipped name or path, as first given
  dtype TEXT NOT NULL,              -- storage type of the tensors, as F32
  parameters INTEGER NOT NULL CHECK (parameters >= 0),
  architecture TEXT NOT NULL        -- canonical JSON
) STRICT, WITHOUT ROWID;

-- What is asked of every image; json is the whole of it, the columns are its common fields.
CREATE TABLE configuration (
  fingerprint TEXT PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 64), -- SHA-256 of json
  json TEXT NOT NULL,               -- canonical (RFC 8785), neutral fields left out
  classifier TEXT NOT NULL,
  model TEXT NOT NULL REFERENCES model (sha256),
  lm_model TEXT REFERENCES model (sha256),
  grid TEXT NOT NULL,
  weights TEXT NOT NULL,
  loss TEXT NOT NULL CHECK (loss IN ('squared', 'absolute')),
  reduction TEXT NOT NULL CHECK (reduction IN ('sum', 'mean')),
  logit_scale REAL NOT NULL CHECK (logit_scale > 0),
  noise TEXT NOT NULL CHECK (noise IN ('shared', 'fresh')),
  share_timesteps INTEGER NOT NULL CHECK (share_timesteps IN (0, 1)),
  antithetic INTEGER NOT NULL CHECK (antithetic IN (0, 1)),
  draws INTEGER NOT NULL CHECK (draws > 0),
  strategy TEXT NOT NULL,
  lm TEXT,                          -- variant of likelihood maximization, NULL without
  lm_steps INTEGER,
  lm_rate REAL,
  lm_sigma_low REAL,
  lm_sigma_high REAL,
  eta REAL                          -- bound on its movement, pixel units
) STRICT, WITHOUT ROWID;

-- Images, by where they come from and what they are.
CREATE TABLE input (
  id INTEGER PRIMARY KEY,
  dataset TEXT NOT NULL,
  split TEXT NOT NULL,
  image_index INTEGER NOT NULL CHECK (image_index >= 0), -- in the split's file order
  label INTEGER NOT NULL CHECK (label >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),      -- of the pixels
  UNIQUE (dataset, split, image_index, label, sha256)
) STRICT;

-- Uncommitted changes of the code that ran, each once.
CREATE TABLE code_diff (
  sha256 TEXT PRIMARY KEY NOT NULL,
  diff TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One configuration over one list of inputs, clean or under one attack.
CREATE TABLE run (
  id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26), -- ULID: sorts by time
  name TEXT,
  run_group TEXT,
  note TEXT,
  status TEXT NOT NULL
    CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'crashed')),
  error TEXT,                       -- message of a failed run
  fingerprint TEXT NOT NULL REFERENCES configuration (fingerprint),
  dataset TEXT,                     -- of all inputs, NULL where they are of several
  split TEXT,
  images INTEGER NOT NULL CHECK (images > 0),
  timesteps INTEGER NOT NULL,       -- most that the strategy asks for any class
  inputs_run TEXT,                  -- id of the run whose recorded images are the inputs
  seed INTEGER NOT NULL,            -- of the defence's stream
  attack_seed INTEGER,              -- of the attacker's stream
  attack TEXT,                      -- NULL on clean runs
  norm TEXT CHECK (norm IN ('linf', 'l2')),
  epsilon REAL CHECK (epsilon > 0), -- pixel units
  attack_steps INTEGER,
  restarts INTEGER,
  eot INTEGER,
  gradient TEXT,
  class_names TEXT NOT NULL,        -- JSON array
  channels INTEGER NOT NULL,
  height INTEGER NOT NULL,
  width INTEGER NOT NULL,
  records_losses INTEGER NOT NULL CHECK (records_losses IN (0, 1)),
  invocation TEXT NOT NULL,         -- JSON that the program resumes from
  started_at TEXT NOT NULL,
  finished_at TEXT,
  CHECK ((attack IS NULL) = (norm IS NULL) AND (attack IS NULL) = (epsilon IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX run_by_fingerprint ON run (fingerprint, attack);

CREATE TABLE run_tag (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

-- One process that worked on a run; a resumed run has several.
CREATE TABLE session (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  started_at TEXT NOT NULL,
  ended_at TEXT,
  heartbeat_at TEXT NOT NULL,       -- older than 60 s on a running run: crashed
  host TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_started TEXT NOT NULL,        -- start time of the process in clock ticks since boot
  pid_namespace TEXT NOT NULL,
  argv TEXT NOT NULL,               -- JSON array
  cpu TEXT NOT NULL,
  threads INTEGER NOT NULL,
  batch INTEGER NOT NULL,
  blas TEXT NOT NULL,
  instruction_set TEXT NOT NULL,
  sqlite_version TEXT NOT NULL,
  elbow_version TEXT NOT NULL,
  git_commit TEXT,                  -- of the checkout that the program lies in, else of the
                                    -- working directory's, NULL where neither is one
  git_dirty INTEGER CHECK (git_dirty IN (0, 1)),
  diff_sha256 TEXT REFERENCES code_diff (sha256),
  wall_seconds REAL,
  cpu_seconds REAL,
  peak_memory INTEGER,              -- bytes
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_input (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  input_id INTEGER NOT NULL REFERENCES input (id),
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_input_by_input ON run_input (input_id);

-- The run's noise grid and the strategy's subset of it.
CREATE TABLE run_timestep (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  timestep INTEGER NOT NULL CHECK (timestep >= 0),
  sigma REAL NOT NULL CHECK (sigma > 0), -- [-1, 1] units
  weight REAL NOT NULL,             -- omega(sigma) * delta sigma
  strategy_weight REAL,             -- NULL: not asked for, or the subset differs by image
  PRIMARY KEY (run_id, timestep)
) STRICT, WITHOUT ROWID;

CREATE TABLE prediction (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  predicted INTEGER NOT NULL,       -- on the final image
  correct INTEGER NOT NULL CHECK (correct IN (0, 1)), -- under attack: clean and final image
  nfe INTEGER NOT NULL,             -- the classifier's own network evaluations
  gradients INTEGER NOT NULL,       -- its backward passes
  seconds REAL NOT NULL,
  movement_max REAL,                -- by likelihood maximization, pixel units
  movement_mean REAL,
  -- of the attack; NULL on clean runs
  clean_predicted INTEGER,
  attacked INTEGER CHECK (attacked IN (0, 1)), -- 0: wrong when clean, so not attacked
  attack_nfe INTEGER,
  attack_gradients INTEGER,
  attack_seconds REAL,
  attack_zero_gradients REAL,       -- share of exactly zero gradient pixels
  attack_loss REAL,
  attack_linf REAL,                 -- distance of the final image, pixel units
  attack_l2 REAL,
  PRIMARY KEY (run_id, position),
  FOREIGN KEY (run_id, position) REFERENCES run_input (run_id, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE class_elbo (
  run_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  class INTEGER NOT NULL,
  elbo REAL,                        -- NULL: eliminated by the strategy; -Inf: diverged
  last_round INTEGER NOT NULL,      -- of the strategy, from 0
  PRIMARY KEY (run_id, position, class),
  FOREIGN KEY (run_id, position) REFERENCES prediction (run_id, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Raw errors summed over pixels, before weights and reduction; +Inf: diverged. Little-endian.
CREATE TABLE loss (
  run_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  "values" BLOB NOT NULL,           -- Float32 [draw][timestep][class], or one for each place
  places BLOB,                      -- Int32 (draw, timestep, class) each; NULL: all classes at
                                    -- the timesteps whose strategy_weight is not NULL
  PRIMARY KEY (run_id, position),
  FOREIGN KEY (run_id, position) REFERENCES prediction (run_id, position) ON DELETE CASCADE
) STRICT;

-- Final images of attacks.
CREATE TABLE adversarial_image (
  run_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  pixels BLOB NOT NULL,             -- Float32 little-endian [C, H, W], pixel units
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (run_id, position),
  FOREIGN KEY (run_id, position) REFERENCES prediction (run_id, position) ON DELETE CASCADE
) STRICT;

-- Sums over a run's predictions, kept by the trigger below so that listing runs reads no images.
CREATE TABLE run_total (
  run_id TEXT PRIMARY KEY NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  n INTEGER NOT NULL DEFAULT 0,
  n_correct INTEGER NOT NULL DEFAULT 0,
  nfe INTEGER NOT NULL DEFAULT 0,
  gradients INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  attack_nfe INTEGER NOT NULL DEFAULT 0,
  attack_gradients INTEGER NOT NULL DEFAULT 0,
  attack_seconds REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_has_totals AFTER INSERT ON run BEGIN
  INSERT INTO run_total (run_id) VALUES (new.id);
END;

CREATE TRIGGER prediction_counts AFTER INSERT ON prediction BEGIN
  UPDATE run_total SET
    n = n + 1,
    n_correct = n_correct + new.correct,
    nfe = nfe + new.nfe,
    gradients = gradients + new.gradients,
    seconds = seconds + new.seconds,
    attack_nfe = attack_nfe + coalesce(new.attack_nfe, 0),
    attack_gradients = attack_gradients + coalesce(new.attack_gradients, 0),
    attack_seconds = attack_seconds + coalesce(new.attack_seconds, 0)
  WHERE run_id = new.run_id;
END;

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
  prediction.seconds AS seconds,
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
JOIN run_input USING (run_id, position)
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
JOIN run_input USING (run_id, position)
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
