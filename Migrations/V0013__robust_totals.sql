-- Robust accuracy is kept. robust_total has what all attempts on a configuration come to under each
-- threat model, and robust_verdict what they come to on each image, as the views unkept_robustness and
-- unkept_verdicts work it out; robust_basis has the runs that it was worked out from. Whatever changes
-- one of them or adds another takes the basis away: the views robustness and verdicts then work that
-- configuration out anew, until a program that writes has kept it again.
CREATE TABLE robust_total (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL REFERENCES configuration (fingerprint) ON DELETE CASCADE,
  dataset TEXT NOT NULL,
  split TEXT NOT NULL,
  norm TEXT NOT NULL,
  epsilon REAL NOT NULL,
  -- From here on as the view robustness has them.
  attacks INTEGER NOT NULL,
  n INTEGER NOT NULL,
  n_robust ANY,
  verdict TEXT NOT NULL,
  partial INTEGER,
  seeds INTEGER NOT NULL,
  clean REAL,
  frozen REAL,
  one_shot REAL,
  mean_of_draws REAL,
  worst_of_draws REAL,
  majority_of_draws REAL,
  resubmission REAL,
  UNIQUE (fingerprint, dataset, split, norm, epsilon)
) STRICT;

CREATE TABLE robust_verdict (
  total INTEGER NOT NULL REFERENCES robust_total (id) ON DELETE CASCADE,
  image INTEGER NOT NULL,           -- as in the view attempts
  -- From here on as the view verdicts has them: whole numbers, or shares of seeds or draws.
  randomized ANY,
  seeds INTEGER NOT NULL,
  clean ANY,
  stands ANY,
  certain ANY,
  frozen ANY,
  one_shot ANY,
  mean_of_draws ANY,
  worst_of_draws ANY,
  majority_of_draws ANY,
  resubmission ANY,
  shift ANY,
  share ANY,
  PRIMARY KEY (total, image)
) STRICT, WITHOUT ROWID;

CREATE TABLE robust_basis (
  fingerprint TEXT NOT NULL REFERENCES configuration (fingerprint) ON DELETE CASCADE,
  run INTEGER NOT NULL,             -- number of run_total
  PRIMARY KEY (fingerprint, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX robust_basis_by_run ON robust_basis (run);

CREATE TRIGGER robust_total_of_begun AFTER INSERT ON run BEGIN
  DELETE FROM robust_basis WHERE fingerprint = new.fingerprint;
END;

CREATE TRIGGER robust_total_of_changed AFTER UPDATE OF
  fingerprint, inputs_run, replay_of, seed, attack_seed, attack_json, deleted_at ON run
BEGIN
  DELETE FROM robust_basis WHERE fingerprint = new.fingerprint OR fingerprint IN (
    SELECT fingerprint FROM robust_basis
    WHERE run = (SELECT number FROM run_total WHERE run_id = new.id));
END;

-- Whether a run that has not finished runs, or how it ended, is no matter.
CREATE TRIGGER robust_total_of_finished AFTER UPDATE OF status ON run
WHEN 'finished' IN (old.status, new.status)
BEGIN
  DELETE FROM robust_basis WHERE fingerprint = new.fingerprint OR fingerprint IN (
    SELECT fingerprint FROM robust_basis
    WHERE run = (SELECT number FROM run_total WHERE run_id = new.id));
END;

CREATE TRIGGER robust_total_of_deleted BEFORE DELETE ON run BEGIN
  DELETE FROM robust_basis WHERE fingerprint IN (
    SELECT fingerprint FROM robust_basis
    WHERE run = (SELECT number FROM run_total WHERE run_id = old.id));
END;

CREATE TRIGGER robust_total_of_answered AFTER INSERT ON prediction BEGIN
  DELETE FROM robust_basis
  WHERE fingerprint IN (SELECT fingerprint FROM robust_basis WHERE run = new.run);
END;

CREATE TRIGGER robust_total_of_answered_anew AFTER UPDATE ON prediction BEGIN
  DELETE FROM robust_basis
  WHERE fingerprint IN (SELECT fingerprint FROM robust_basis WHERE run = new.run);
END;

CREATE TRIGGER robust_total_of_answered_no_more AFTER DELETE ON prediction BEGIN
  DELETE FROM robust_basis
  WHERE fingerprint IN (SELECT fingerprint FROM robust_basis WHERE run = old.run);
END;

CREATE TRIGGER robust_total_of_other_inputs AFTER UPDATE ON run_input BEGIN
  DELETE FROM robust_basis
  WHERE fingerprint IN (SELECT fingerprint FROM robust_basis WHERE run IN (old.run, new.run));
END;

-- A new input is given its image by an update, and no attempt is on it yet.
CREATE TRIGGER robust_total_of_other_labels AFTER UPDATE OF label, image, source ON input
WHEN old.image IS NOT NULL BEGIN
  DELETE FROM robust_basis;
END;
