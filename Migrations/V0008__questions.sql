-- What is asked stands in JSON, and columns are generated from it: a field that the JSON leaves out
-- is at its default. Runs know their question by its hash, images what they were made from. The
-- views are dropped for the last time: from here on they are files of their own, in Views, which
-- replace each other without a migration.

DROP VIEW robustness;
DROP VIEW attempts;
DROP VIEW adversarial_images;
DROP VIEW class_elbos;
DROP VIEW predictions;
DROP VIEW class_elbo;
DROP VIEW loss;
DROP VIEW metrics;
DROP VIEW trash;
DROP VIEW runs;
DROP VIEW every_run;
DROP VIEW trainings;
DROP VIEW training_metric;

-- Users' own views may name what was just dropped; renaming a table would refuse them.
PRAGMA legacy_alter_table = ON;

-- What people read, by name; filled whenever the views are replaced.
CREATE TABLE about (
  name TEXT PRIMARY KEY NOT NULL,   -- of a view
  one_row_is TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is asked of every image: json is the whole of it. A field without a column here is one in the
-- view configurations.
CREATE TABLE configuration_from_json (
  fingerprint TEXT PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 64), -- SHA-256 of json
  json TEXT NOT NULL CHECK (json_valid(json)), -- canonical (RFC 8785), neutral fields left out
  classifier TEXT NOT NULL AS (json_extract(json, '$.classifier')) STORED,
  model TEXT NOT NULL AS (json_extract(json, '$.model')) STORED REFERENCES model (sha256),
  lm_model TEXT AS (json_extract(json, '$.lm_model')) STORED REFERENCES model (sha256),
  -- From here to strategy: NULL where the classifier weighs no losses, so has no grid.
  grid TEXT AS (json_extract(json, '$.grid')) STORED,
  weights TEXT AS (json_extract(json, '$.weights')) STORED,
  loss TEXT AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.loss'), 'squared'))) STORED,
  reduction TEXT AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.reduction'), 'sum'))) STORED,
  logit_scale REAL AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.logit_scale'), 1.0))) STORED
    CHECK (logit_scale > 0),
  noise TEXT AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.noise'), 'shared'))) STORED,
  share_timesteps INTEGER AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.share_timesteps'), 0))) STORED
    CHECK (share_timesteps IN (0, 1)),
  antithetic INTEGER AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.antithetic'), 0))) STORED
    CHECK (antithetic IN (0, 1)),
  draws INTEGER AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.draws'), 1))) STORED
    CHECK (draws > 0),
  strategy TEXT AS (
    iif(grid IS NULL, NULL, coalesce(json_extract(json, '$.strategy'), 'full'))) STORED,
  lm TEXT AS (json_extract(json, '$.lm.variant')) STORED, -- variant of likelihood maximization, NULL without
  lm_steps INTEGER AS (json_extract(json, '$.lm.steps')) STORED,
  lm_rate REAL AS (json_extract(json, '$.lm.rate')) STORED,
  lm_sigma_low REAL AS (json_extract(json, '$.lm.sigmaLow')) STORED,
  lm_sigma_high REAL AS (json_extract(json, '$.lm.sigmaHigh')) STORED,
  eta REAL AS (json_extract(json, '$.lm.eta')) STORED, -- bound on its movement, pixel units
  CHECK ((grid IS NULL) = (weights IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO configuration_from_json (fingerprint, json) SELECT fingerprint, json FROM configuration;
DROP TABLE configuration;
ALTER TABLE configuration_from_json RENAME TO configuration;

-- One configuration over one list of inputs, clean or under one attack; or another program's run,
-- of which nothing is known but what is logged: then question, fingerprint, images, seed, the shape
-- of the images, class_names, records_losses and invocation are NULL.
CREATE TABLE run_with_question (
  id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26), -- ULID: sorts by time
  name TEXT,
  run_group TEXT,
  note TEXT,
  status TEXT NOT NULL
    CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'crashed')),
  error TEXT,                       -- message of a failed run
  question TEXT CHECK (length(question) = 64), -- SHA-256 of configuration, attack, seeds and inputs:
                                    -- runs of one question have the same answers
  fingerprint TEXT REFERENCES configuration (fingerprint),
  dataset TEXT,                     -- of all inputs, NULL where they are of several
  split TEXT,
  images INTEGER CHECK (images > 0),
  timesteps INTEGER,                -- most that the strategy asks for any class, NULL where no
                                    -- losses are asked for
  inputs_run TEXT REFERENCES run (id), -- the run whose recorded images are the inputs
  replay_of TEXT REFERENCES run (id), -- the run whose losses were replayed, NULL: live
  seed INTEGER,                     -- of the defence's stream
  attack_seed INTEGER,              -- of the attacker's stream
  attack_json TEXT CHECK (attack_json IS NULL OR json_valid(attack_json)), -- canonical, neutral fields left out; NULL on
                                    -- clean runs
  attack TEXT AS (json_extract(attack_json, '$.name')) STORED,
  norm TEXT AS (json_extract(attack_json, '$.norm')) STORED,
  epsilon REAL AS (json_extract(attack_json, '$.epsilon')) STORED CHECK (epsilon > 0), -- pixel units
  attack_steps INTEGER AS (
    iif(attack_json IS NULL, NULL, coalesce(json_extract(attack_json, '$.steps'), 100))) STORED,
  restarts INTEGER AS (
    iif(attack_json IS NULL, NULL, coalesce(json_extract(attack_json, '$.restarts'), 1))) STORED,
  eot INTEGER AS (
    iif(attack_json IS NULL, NULL, coalesce(json_extract(attack_json, '$.eot'), 1))) STORED,
  gradient TEXT AS (
    iif(attack_json IS NULL, NULL, coalesce(json_extract(attack_json, '$.gradient'), 'bpda')))
    STORED,
  class_names TEXT,                 -- JSON array
  channels INTEGER,
  height INTEGER,
  width INTEGER,
  records_losses INTEGER CHECK (records_losses IN (0, 1)),
  invocation TEXT,                  -- JSON that the program resumes from
  started_at TEXT NOT NULL,
  finished_at TEXT,
  deleted_at TEXT,                  -- when it went to the trash, NULL: it is not there
  CHECK ((attack_json IS NULL) = (attack IS NULL) AND (attack IS NULL) = (norm IS NULL)
    AND (attack IS NULL) = (epsilon IS NULL)),
  CHECK ((fingerprint IS NULL) = (images IS NULL) AND (fingerprint IS NULL) = (seed IS NULL)
    AND (fingerprint IS NULL) = (class_names IS NULL) AND (fingerprint IS NULL) = (channels IS NULL)
    AND (fingerprint IS NULL) = (height IS NULL) AND (fingerprint IS NULL) = (width IS NULL)
    AND (fingerprint IS NULL) = (records_losses IS NULL)
    AND (fingerprint IS NULL) = (invocation IS NULL))
) STRICT, WITHOUT ROWID;
-- The program writes the JSON of these attacks, and the questions, when this is done: digits enough
-- to find every epsilon again are enough until then.
INSERT INTO run_with_question (id, name, run_group, note, status, error, fingerprint, dataset,
  split, images, timesteps, inputs_run, replay_of, seed, attack_seed, attack_json, class_names,
  channels, height, width, records_losses, invocation, started_at, finished_at, deleted_at)
SELECT id, name, run_group, note, status, error, fingerprint, dataset,
  split, images, timesteps, inputs_run, replay_of, seed, attack_seed,
  iif(attack IS NULL, NULL, json_object(
    'name', attack, 'norm', norm,
    'epsilon', json(CASE
      WHEN CAST(printf('%!.15g', epsilon) AS REAL) = epsilon THEN printf('%!.15g', epsilon)
      WHEN CAST(printf('%!.16g', epsilon) AS REAL) = epsilon THEN printf('%!.16g', epsilon)
      ELSE printf('%!.17g', epsilon) END),
    'steps', coalesce(attack_steps, 100), 'restarts', coalesce(restarts, 1),
    'eot', coalesce(eot, 1), 'gradient', coalesce(gradient, 'bpda'))),
  class_names, channels, height, width, records_losses, invocation, started_at, finished_at,
  deleted_at
FROM run;
-- Runs that others were made from and that somebody deleted: what is left is that they were.
INSERT INTO run_with_question (id, note, status, started_at, deleted_at)
SELECT id, 'deleted by another program, though ' || min(user) || ' was made from it', 'finished',
  '', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM (
  SELECT inputs_run AS id, id AS user FROM run UNION ALL SELECT replay_of, id FROM run
) AS source
WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM run)
GROUP BY id;
DROP TABLE run;
ALTER TABLE run_with_question RENAME TO run;
INSERT INTO run_total (run_id) SELECT id FROM run WHERE id NOT IN (SELECT run_id FROM run_total);
CREATE INDEX run_by_question ON run (question);
CREATE INDEX run_by_fingerprint ON run (fingerprint, attack);
CREATE INDEX run_by_inputs ON run (inputs_run) WHERE inputs_run IS NOT NULL;
CREATE INDEX run_by_replay ON run (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX run_in_trash ON run (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX run_at_work ON run (status) WHERE status = 'running';
CREATE TRIGGER run_has_totals AFTER INSERT ON run BEGIN
  INSERT INTO run_total (run_id) VALUES (new.id);
END;

-- Images are the same where the pixels that they were made from are: image is the id of the input
-- that stands for all of them, the first that was recorded. Where a split has the same pixels more
-- than once, each has an image of its own, so that pairs are of one image each.
ALTER TABLE input ADD COLUMN image INTEGER REFERENCES input (id);
UPDATE input SET image = same.image
FROM (
  SELECT id, min(id) OVER (PARTITION BY sha256, twin) AS image
  FROM (
    SELECT id, sha256,
      dense_rank() OVER (PARTITION BY source, sha256 ORDER BY image_index) AS twin
    FROM input
  )
) AS same
WHERE same.id = input.id;
-- What an attack made stands in for an image of the run that made it, and so on to the clean one.
CREATE TABLE made_image AS
SELECT DISTINCT changed.id AS id, given.id AS made_from
FROM run
CROSS JOIN run_total AS user ON user.run_id = run.id
CROSS JOIN run_total AS maker ON maker.run_id = run.inputs_run
CROSS JOIN run_input ON run_input.run = user.number
CROSS JOIN input AS changed ON changed.id = run_input.input_id
CROSS JOIN input AS given ON given.image_index = changed.image_index
  AND given.source = changed.source AND given.label = changed.label
  AND given.sha256 <> changed.sha256
CROSS JOIN run_input AS first ON first.input_id = given.id AND first.run = maker.number
WHERE run.inputs_run IS NOT NULL;
CREATE INDEX made_image_by_id ON made_image (id);
WITH RECURSIVE
  origin (id, made_from) AS (
    SELECT id, made_from FROM made_image
    UNION
    SELECT origin.id, made_image.made_from
    FROM origin JOIN made_image ON made_image.id = origin.made_from
  )
UPDATE input SET image = clean.image
FROM (
  SELECT origin.id, min(first.image) AS image
  FROM origin JOIN input AS first ON first.id = origin.made_from
  WHERE origin.made_from NOT IN (SELECT id FROM made_image)
  GROUP BY origin.id
) AS clean
WHERE clean.id = input.id;
DROP TABLE made_image;
CREATE INDEX input_by_source_image ON input (image);
CREATE INDEX input_by_pixels ON input (substr(sha256, 1, 8));
-- An input whose image is not told is an image of its own, or one that is known already.
CREATE TRIGGER input_is_of_an_image AFTER INSERT ON input WHEN new.image IS NULL BEGIN
  UPDATE input SET image = coalesce((
      SELECT same.image FROM input AS same
      WHERE substr(same.sha256, 1, 8) = substr(new.sha256, 1, 8) AND same.sha256 = new.sha256
        AND same.id <> new.id AND NOT EXISTS (
          SELECT 1 FROM input AS twin
          WHERE twin.image = same.image AND twin.source = new.source
            AND twin.image_index <> new.image_index)
      ORDER BY same.image_index <> new.image_index, same.image LIMIT 1
    ), new.id)
  WHERE id = new.id;
END;

-- Versions of the libraries in the program, a JSON object.
ALTER TABLE session ADD COLUMN libraries TEXT
  CHECK (libraries IS NULL OR json_valid(libraries));
ALTER TABLE training_session ADD COLUMN libraries TEXT
  CHECK (libraries IS NULL OR json_valid(libraries));

PRAGMA legacy_alter_table = OFF;
