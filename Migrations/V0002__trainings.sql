-- Trainings, and the metrics they report as they go on. The view trainings is what people read.

CREATE TABLE training (
  id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26), -- ULID: sorts by time
  kind TEXT NOT NULL,               -- what is trained, as diffusion
  status TEXT NOT NULL
    CHECK (status IN ('running', 'finished', 'failed', 'interrupted')),
  error TEXT,                       -- message of a failed training
  recipe TEXT NOT NULL,             -- canonical JSON, defaults included
  dataset TEXT NOT NULL,
  dataset_sha256 TEXT NOT NULL CHECK (length(dataset_sha256) = 64), -- of labels and pixels
  initial_sha256 TEXT,              -- of the checkpoint begun from, NULL: random weights
  steps INTEGER NOT NULL CHECK (steps > 0),
  model_path TEXT NOT NULL,
  model_sha256 TEXT CHECK (length(model_sha256) = 64), -- of the produced tensors, once finished
  started_at TEXT NOT NULL,
  finished_at TEXT
) STRICT, WITHOUT ROWID;

-- One process that worked on a training; one gone on with has several.
CREATE TABLE training_session (
  training_id TEXT NOT NULL REFERENCES training (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  first_step INTEGER NOT NULL CHECK (first_step >= 0),
  started_at TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL,       -- older than 60 s on a running training: crashed
  host TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_started TEXT NOT NULL,
  pid_namespace TEXT NOT NULL,
  argv TEXT NOT NULL,               -- JSON array
  cpu TEXT NOT NULL,
  threads INTEGER NOT NULL,
  blas TEXT NOT NULL,
  instruction_set TEXT NOT NULL,
  elbow_version TEXT NOT NULL,
  git_commit TEXT,
  git_dirty INTEGER CHECK (git_dirty IN (0, 1)),
  diff_sha256 TEXT REFERENCES code_diff (sha256),
  wall_seconds REAL,
  cpu_seconds REAL,
  peak_memory INTEGER,              -- bytes
  PRIMARY KEY (training_id, number)
) STRICT, WITHOUT ROWID;

-- A step reported twice, as by a training that goes on from an older state, keeps the last value.
CREATE TABLE training_metric (
  training_id TEXT NOT NULL REFERENCES training (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  step INTEGER NOT NULL CHECK (step >= 0), -- steps taken when it was measured
  value REAL NOT NULL,
  PRIMARY KEY (training_id, name, step)
) STRICT, WITHOUT ROWID;

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
