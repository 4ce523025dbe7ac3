-- What a program reads and writes most, made small and quick: runs have numbers, by which the two
-- big tables know them in place of their ids; the bounds of accuracies stand in a run's totals; and
-- totals follow every change of the predictions, whoever makes it.

DROP VIEW class_elbos;
DROP VIEW trash;
DROP VIEW runs;
DROP VIEW every_run;
DROP TRIGGER run_has_totals;
DROP TRIGGER prediction_counts;

-- Sums over a run's predictions, kept by the triggers below so that listing runs reads no images,
-- with what follows from them.
CREATE TABLE run_total_with_number (
  number INTEGER PRIMARY KEY,       -- of the run, in class_evidence and loss_blob
  run_id TEXT NOT NULL UNIQUE REFERENCES run (id) ON DELETE CASCADE,
  n INTEGER NOT NULL DEFAULT 0,     -- images classified
  -- From here to attack_seconds: sums of the columns of prediction.
  n_correct INTEGER NOT NULL DEFAULT 0,
  nfe INTEGER NOT NULL DEFAULT 0,
  gradients INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  attack_nfe INTEGER NOT NULL DEFAULT 0,
  attack_gradients INTEGER NOT NULL DEFAULT 0,
  attack_seconds REAL NOT NULL DEFAULT 0,
  -- The accuracy's Wilson 95 % bounds are (n_correct + zz / 2 +/- zz * root) / (n + zz), where zz is
  -- the square of the normal's quantile 0.975 and root that of spread. Six of Newton's steps from a
  -- power of two within a factor of two reach it, two steps a column; SQLite's own square root is a
  -- compile-time option. All are NULL where n is 0.
  spread REAL AS (1.0 * n_correct * (n - n_correct) / n / 3.8414588206941236 + 0.25) STORED,
  root_0 REAL AS (
    CASE WHEN spread < 4 THEN 1.0 WHEN spread < 64 THEN 4.0 WHEN spread < 1024 THEN 16.0
      WHEN spread < 16384 THEN 64.0 WHEN spread < 262144 THEN 256.0
      WHEN spread < 4194304 THEN 1024.0 WHEN spread < 67108864 THEN 4096.0
      WHEN spread >= 67108864 THEN 16384.0 END) STORED,
  root_1 REAL AS (
    (root_0 * root_0 * (root_0 * root_0 + 6 * spread) + spread * spread)
      / (4 * root_0 * (root_0 * root_0 + spread))) STORED,
  root_2 REAL AS (
    (root_1 * root_1 * (root_1 * root_1 + 6 * spread) + spread * spread)
      / (4 * root_1 * (root_1 * root_1 + spread))) STORED,
  root REAL AS (
    (root_2 * root_2 * (root_2 * root_2 + 6 * spread) + spread * spread)
      / (4 * root_2 * (root_2 * root_2 + spread))) STORED,
  accuracy REAL AS (1.0 * n_correct / n) VIRTUAL, -- fraction of the images classified
  accuracy_low REAL AS (
    max((n_correct + 3.8414588206941236 * (0.5 - root)) / (n + 3.8414588206941236), 0.0)) VIRTUAL,
  accuracy_high REAL AS (
    min((n_correct + 3.8414588206941236 * (0.5 + root)) / (n + 3.8414588206941236), 1.0)) VIRTUAL
) STRICT;
INSERT INTO run_total_with_number (run_id, n, n_correct, nfe, gradients, seconds, attack_nfe,
  attack_gradients, attack_seconds)
SELECT run_id, count(prediction.position), coalesce(sum(correct), 0),
  coalesce(sum(prediction.nfe), 0), coalesce(sum(prediction.gradients), 0),
  coalesce(sum(prediction.seconds), 0.0), coalesce(sum(prediction.attack_nfe), 0),
  coalesce(sum(prediction.attack_gradients), 0), coalesce(sum(prediction.attack_seconds), 0.0)
FROM run_total LEFT JOIN prediction USING (run_id)
GROUP BY run_id ORDER BY run_id;
DROP TABLE run_total;
ALTER TABLE run_total_with_number RENAME TO run_total;

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

CREATE TRIGGER prediction_counts_no_more AFTER DELETE ON prediction BEGIN
  UPDATE run_total SET
    n = n - 1,
    n_correct = n_correct - old.correct,
    nfe = nfe - old.nfe,
    gradients = gradients - old.gradients,
    seconds = seconds - old.seconds,
    attack_nfe = attack_nfe - coalesce(old.attack_nfe, 0),
    attack_gradients = attack_gradients - coalesce(old.attack_gradients, 0),
    attack_seconds = attack_seconds - coalesce(old.attack_seconds, 0)
  WHERE run_id = old.run_id;
  DELETE FROM class_evidence
  WHERE run = (SELECT number FROM run_total WHERE run_id = old.run_id) AND position = old.position;
  DELETE FROM loss_blob
  WHERE run = (SELECT number FROM run_total WHERE run_id = old.run_id) AND position = old.position;
END;

CREATE TRIGGER prediction_counts_anew AFTER UPDATE ON prediction BEGIN
  SELECT RAISE(ABORT, 'a prediction stays where it is: delete it and insert another')
  WHERE new.run_id <> old.run_id OR new.position <> old.position;
  UPDATE run_total SET
    n_correct = n_correct + new.correct - old.correct,
    nfe = nfe + new.nfe - old.nfe,
    gradients = gradients + new.gradients - old.gradients,
    seconds = seconds + new.seconds - old.seconds,
    attack_nfe = attack_nfe + coalesce(new.attack_nfe, 0) - coalesce(old.attack_nfe, 0),
    attack_gradients = attack_gradients + coalesce(new.attack_gradients, 0)
      - coalesce(old.attack_gradients, 0),
    attack_seconds = attack_seconds + coalesce(new.attack_seconds, 0)
      - coalesce(old.attack_seconds, 0)
  WHERE run_id = new.run_id;
END;

-- Runs at work, which every opening looks for.
CREATE INDEX run_at_work ON run (status) WHERE status = 'running';

-- ELBOs. The view class_elbo shows them with their runs' ids, and takes them so.
CREATE TABLE class_evidence (
  run INTEGER NOT NULL REFERENCES run_total (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,        -- of the prediction; the row goes when it goes
  class INTEGER NOT NULL,
  elbo REAL,                        -- NULL: eliminated by the strategy; -Inf: diverged
  last_round INTEGER NOT NULL,      -- of the strategy, from 0
  PRIMARY KEY (run, position, class)
) STRICT, WITHOUT ROWID;
INSERT INTO class_evidence
SELECT run_total.number, position, class, elbo, last_round
FROM run_total CROSS JOIN class_elbo ON class_elbo.run_id = run_total.run_id
ORDER BY run_total.number, position, class;
DROP TABLE class_elbo;

-- Raw errors summed over pixels, before weights and reduction; +Inf: diverged. Little-endian. The
-- view loss shows them with their runs' ids, and takes them so.
CREATE TABLE loss_blob (
  run INTEGER NOT NULL REFERENCES run_total (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,        -- of the prediction; the row goes when it goes
  "values" BLOB NOT NULL,           -- Float32 [draw][timestep][class], or one for each place
  places BLOB,                      -- Int32 (draw, timestep, class) each; NULL: all classes at
                                    -- the timesteps whose strategy_weight is not NULL
  PRIMARY KEY (run, position)
) STRICT;
INSERT INTO loss_blob
SELECT run_total.number, position, "values", places
FROM run_total CROSS JOIN loss ON loss.run_id = run_total.run_id
ORDER BY run_total.number, position;
DROP TABLE loss;

-- The tables that these two views stand for had their runs' ids in every row.
CREATE VIEW class_elbo AS
SELECT run_total.run_id AS run_id, class_evidence.position AS position,
  class_evidence.class AS class, class_evidence.elbo AS elbo,
  class_evidence.last_round AS last_round
FROM run_total JOIN class_evidence ON class_evidence.run = run_total.number;

CREATE VIEW loss AS
SELECT run_total.run_id AS run_id, loss_blob.position AS position,
  loss_blob."values" AS "values", loss_blob.places AS places
FROM run_total JOIN loss_blob ON loss_blob.run = run_total.number;

CREATE TRIGGER class_elbo_is_inserted INSTEAD OF INSERT ON class_elbo BEGIN
  SELECT RAISE(ABORT, 'class_elbo: there is no such prediction') WHERE NOT EXISTS (
    SELECT 1 FROM prediction WHERE run_id = new.run_id AND position = new.position);
  INSERT INTO class_evidence
  SELECT number, new.position, new.class, new.elbo, new.last_round
  FROM run_total WHERE run_id = new.run_id;
END;

CREATE TRIGGER class_elbo_is_deleted INSTEAD OF DELETE ON class_elbo BEGIN
  DELETE FROM class_evidence
  WHERE run = (SELECT number FROM run_total WHERE run_id = old.run_id)
    AND position = old.position AND class = old.class;
END;

CREATE TRIGGER loss_is_inserted INSTEAD OF INSERT ON loss BEGIN
  SELECT RAISE(ABORT, 'loss: there is no such prediction') WHERE NOT EXISTS (
    SELECT 1 FROM prediction WHERE run_id = new.run_id AND position = new.position);
  INSERT INTO loss_blob
  SELECT number, new.position, new."values", new.places FROM run_total WHERE run_id = new.run_id;
END;

CREATE TRIGGER loss_is_deleted INSTEAD OF DELETE ON loss BEGIN
  DELETE FROM loss_blob
  WHERE run = (SELECT number FROM run_total WHERE run_id = old.run_id)
    AND position = old.position;
END;

-- One row a run, in the trash or not; the views runs and trash are its parts. Accuracies are
-- fractions of the images done, with Wilson 95 % bounds.
CREATE VIEW every_run AS
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
  run_total.accuracy AS accuracy,
  run_total.accuracy_low AS accuracy_low,
  run_total.accuracy_high AS accuracy_high,
  CASE WHEN run_total.n > 0 THEN run_total.n_correct END AS n_correct,
  1.0 * run_total.nfe / run_total.n AS nfe_per_image,
  1.0 * run_total.gradients / run_total.n AS gradients_per_image,
  CASE WHEN run.replay_of IS NULL
    THEN run_total.seconds / run_total.n END AS seconds_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN 1.0 * run_total.attack_gradients / run_total.n END AS attack_gradients_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN run_total.attack_seconds / run_total.n END AS attack_seconds_per_image,
  run.seed AS seed,
  run.started_at AS started_at,
  run.finished_at AS finished_at,
  (SELECT git_commit FROM session WHERE session.run_id = run.id AND number = 0) AS git_commit,
  coalesce(run_total.n, 0) AS n_done,
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
LEFT JOIN run_total ON run_total.run_id = run.id;

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

-- One row an image and class.
CREATE VIEW class_elbos AS
SELECT
  run_total.run_id AS run_id,
  input.image_index AS image_index,
  class_evidence.class AS class,
  class_evidence.elbo AS elbo,
  class_evidence.last_round AS last_round,
  class_evidence.position AS position
FROM class_evidence
JOIN run_total ON run_total.number = class_evidence.run
JOIN run ON run.id = run_total.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run_id = run.id AND run_input.position = class_evidence.position
JOIN input ON input.id = run_input.input_id;
