-- What has a row for each image of a run is kept in less room: it knows the run by its number, as
-- ELBOs and losses do, and the pixels' hashes are bytes.

DROP VIEW robustness;
DROP VIEW class_elbos;
DROP VIEW predictions;
DROP VIEW class_elbo;
DROP VIEW loss;
DROP TRIGGER prediction_counts;
DROP TRIGGER prediction_counts_no_more;
DROP TRIGGER prediction_counts_anew;
DROP INDEX run_input_by_input;

ALTER TABLE input RENAME TO old_input;
ALTER TABLE run_input RENAME TO old_run_input;
ALTER TABLE prediction RENAME TO old_prediction;
ALTER TABLE adversarial_image RENAME TO old_adversarial_image;

-- Where images come from.
CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  dataset TEXT NOT NULL,
  split TEXT NOT NULL,
  UNIQUE (dataset, split)
) STRICT;
INSERT INTO source (dataset, split) SELECT DISTINCT dataset, split FROM old_input ORDER BY 1, 2;

-- Images, by where they come from and what they are, each once.
CREATE TABLE input (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES source (id),
  image_index INTEGER NOT NULL CHECK (image_index >= 0), -- in the split's file order
  label INTEGER NOT NULL CHECK (label >= 0),
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32)       -- of the pixels
) STRICT;
INSERT INTO input
WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 2 FROM place WHERE i < 63)
SELECT old_input.id, source.id, image_index, label, (
    -- Two digits make a byte, looked up in all bytes: older SQLites have no unhex.
    SELECT CAST(group_concat(substr(byte."values",
        16 * instr('123456789abcdef', substr(sha256, i, 1))
          + instr('123456789abcdef', substr(sha256, i + 1, 1)) + 1, 1), '') AS BLOB)
    FROM place
  )
FROM old_input
JOIN source USING (dataset, split)
CROSS JOIN (SELECT x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' AS "values") AS byte;
-- An index over all columns would hold every image a second time.
CREATE INDEX input_by_image ON input (image_index);
CREATE TRIGGER input_is_known BEFORE INSERT ON input
WHEN EXISTS (
  SELECT 1 FROM input
  WHERE image_index = new.image_index AND sha256 = new.sha256 AND label = new.label
    AND source = new.source)
BEGIN
  SELECT RAISE(IGNORE);
END;

CREATE TABLE run_input (
  run INTEGER NOT NULL REFERENCES run_total (number) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  input_id INTEGER NOT NULL REFERENCES input (id),
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
INSERT INTO run_input
SELECT run_total.number, position, input_id
FROM run_total CROSS JOIN old_run_input ON old_run_input.run_id = run_total.run_id
ORDER BY run_total.number, position;

CREATE TABLE prediction (
  run INTEGER NOT NULL REFERENCES run_total (number) ON DELETE CASCADE,
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
  PRIMARY KEY (run, position),
  FOREIGN KEY (run, position) REFERENCES run_input (run, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO prediction
SELECT run_total.number, position, predicted, correct, old_prediction.nfe,
  old_prediction.gradients, old_prediction.seconds, movement_max, movement_mean, clean_predicted,
  attacked, old_prediction.attack_nfe, old_prediction.attack_gradients,
  old_prediction.attack_seconds, attack_zero_gradients, attack_loss, attack_linf, attack_l2
FROM run_total CROSS JOIN old_prediction ON old_prediction.run_id = run_total.run_id
ORDER BY run_total.number, position;

-- Final images of attacks.
CREATE TABLE adversarial_image (
  run INTEGER NOT NULL,
  position INTEGER NOT NULL,
  pixels BLOB NOT NULL,             -- Float32 little-endian [C, H, W], pixel units
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (run, position),
  FOREIGN KEY (run, position) REFERENCES prediction (run, position) ON DELETE CASCADE
) STRICT;
INSERT INTO adversarial_image
SELECT run_total.number, position, pixels, sha256
FROM run_total
CROSS JOIN old_adversarial_image ON old_adversarial_image.run_id = run_total.run_id
ORDER BY run_total.number, position;

DROP TABLE old_adversarial_image;
DROP TABLE old_prediction;
DROP TABLE old_run_input;
DROP TABLE old_input;
CREATE INDEX run_input_by_input ON run_input (input_id);

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
  WHERE number = new.run;
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
  WHERE number = old.run;
  DELETE FROM class_evidence WHERE run = old.run AND position = old.position;
  DELETE FROM loss_blob WHERE run = old.run AND position = old.position;
END;

CREATE TRIGGER prediction_counts_anew AFTER UPDATE ON prediction BEGIN
  SELECT RAISE(ABORT, 'a prediction stays where it is: delete it and insert another')
  WHERE new.run <> old.run OR new.position <> old.position;
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
  WHERE number = new.run;
END;

-- Final images, ELBOs and losses with their runs' ids.
CREATE VIEW adversarial_images AS
SELECT run_total.run_id AS run_id, input.image_index AS image_index,
  adversarial_image.pixels AS pixels, adversarial_image.sha256 AS sha256,
  adversarial_image.position AS position
FROM adversarial_image
JOIN run_total ON run_total.number = adversarial_image.run
JOIN run ON run.id = run_total.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run = adversarial_image.run
  AND run_input.position = adversarial_image.position
JOIN input ON input.id = run_input.input_id;

CREATE VIEW class_elbo AS
SELECT run_total.run_id AS run_id, class_evidence.position AS position,
  class_evidence.class AS class, class_evidence.elbo AS elbo,
  class_evidence.last_round AS last_round
FROM run_total JOIN class_evidence ON class_evidence.run = run_total.number;

CREATE VIEW loss AS
SELECT run_total.run_id AS run_id, loss_blob.position AS position,
  loss_blob."values" AS "values", loss_blob.places AS places
FROM run_total JOIN loss_blob ON loss_blob.run = run_total.number;

-- One row an image that a run has classified.
CREATE VIEW predictions AS
SELECT
  run_total.run_id AS run_id,
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
  source.dataset AS dataset,
  source.split AS split,
  lower(hex(input.sha256)) AS sha256
FROM prediction
JOIN run_total ON run_total.number = prediction.run
JOIN run ON run.id = run_total.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
JOIN source ON source.id = input.source;

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
JOIN run_input ON run_input.run = class_evidence.run
  AND run_input.position = class_evidence.position
JOIN input ON input.id = run_input.input_id;

-- One row an image of an attacked run; runs of one attack, steps and EOT are tries of one attack.
CREATE VIEW attempts AS
SELECT
  run.id AS run_id,
  run.fingerprint AS fingerprint,
  source.dataset AS dataset,
  source.split AS split,
  run.norm AS norm,
  run.epsilon AS epsilon,
  run.attack || coalesce(' x' || run.attack_steps, '') || coalesce(' eot ' || run.eot, '')
    AS attack,
  input.id AS input_id,
  input.image_index AS image_index,
  coalesce(prediction.attacked, 0) AS clean_correct,
  prediction.correct AS correct
FROM run
JOIN run_total ON run_total.run_id = run.id
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
JOIN source ON source.id = input.source
WHERE run.attack IS NOT NULL AND run.deleted_at IS NULL;

-- Accuracy under the worst of all recorded attacks of a threat model, for each configuration: an
-- image counts where every one of these attacks was tried on it, and is right where it is right
-- when clean and under all of them.
CREATE VIEW robustness AS
WITH
  attack_on AS (
    SELECT fingerprint, dataset, split, norm, epsilon, input_id, attack, min(correct) AS correct
    FROM attempts GROUP BY 1, 2, 3, 4, 5, 6, 7
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
