-- Checksums, written in the transactions of the rows that they are of, tell what was recorded from
-- what became of it. They show accidents, not forgery. What was recorded before has none.
--
-- Of a row: XXH64, seed 0, of its values in the order named here, as little-endian words of 64 bits:
-- NULL is 0; INTEGER 1 and the number; REAL 2 and its bits; TEXT 3 and BLOB 4, the number of bytes and
-- the bytes, filled up with zeros to a word. Of several rows: the sum, modulo 2^64; NULL of none.

-- Of dataset, split, image_index, label and sha256.
ALTER TABLE input ADD COLUMN checksum INTEGER;

-- Of what a run recorded for an image.
CREATE TABLE prediction_checksum (
  run INTEGER NOT NULL REFERENCES run_total (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,        -- of the prediction
  answer INTEGER,                   -- of the row of prediction, but for its run
  evidence INTEGER,                 -- of its rows of class_evidence, but for their run
  losses INTEGER,                   -- of position and values in loss_blob
  places INTEGER,                   -- of position and places there, where they are not NULL
  pixels INTEGER,                   -- of position and pixels in adversarial_image
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Of what a run is; names, group, note, tags and metrics, which may change, stand outside.
CREATE TABLE run_checksum (
  run INTEGER PRIMARY KEY REFERENCES run_total (number) ON DELETE CASCADE,
  asked INTEGER,                    -- of what of its row in run is known when it begins
  configuration INTEGER,            -- of its configuration
  models INTEGER,                   -- of its models, but for their names
  timesteps INTEGER,                -- of its rows of run_timestep, but for the run
  -- From here on: written when a process has ended its part, NULL while one is at work.
  ended INTEGER,                    -- of status, error and finished_at in run
  sessions INTEGER,                 -- of its sessions, but for the run
  predictions INTEGER               -- of its rows of prediction_checksum, but for their run
) STRICT;
