-- One row an image that a finished run's attack was tried on, or that is wrong without it. A run on images that another run's attack had made is an attack as well, by transfer, and so is a replay.
CREATE VIEW attempts AS
WITH RECURSIVE
  -- Attacked runs, and those that were given what they had made.
  made (run_id, made_by) AS (
    SELECT id, id FROM run WHERE attack IS NOT NULL AND inputs_run IS NULL
    UNION ALL
    SELECT run.id, made.made_by FROM made JOIN run ON run.inputs_run = made.run_id
    WHERE run.attack IS NULL
  )
SELECT
  run.id AS run_id,
  run.fingerprint AS fingerprint,
  source.dataset AS dataset,
  source.split AS split,
  maker.norm AS norm,
  maker.epsilon AS epsilon,
  iif(run.id <> maker.id OR run.replay_of IS NOT NULL, 'transfer of ', '') || maker.attack
    || iif(maker.attack_steps > 1, ' x' || maker.attack_steps, '')
    || iif(maker.restarts > 1, ' restarts ' || maker.restarts, '')
    || iif(maker.eot > 1, ' eot ' || maker.eot, '')
    || iif(maker.gradient <> 'bpda', ' ' || maker.gradient, '')
    || iif(json_extract(maker.attack_json, '$.noise') = 'frozen', ' frozen', '')
    || coalesce(' ' || json_extract(maker.attack_json, '$.parameters'), '')
    AS attack,
  input.id AS input_id,
  input.image_index AS image_index,
  -- Right without the attack, NULL where no run of this configuration and seed tells.
  CASE
    -- What is wrong when clean is not attacked; a shift comes over everything.
    WHEN run.id = maker.id AND maker.norm <> 'corruption' THEN prediction.attacked
    WHEN run.id = maker.id THEN prediction.clean_predicted = input.label
    ELSE (
      SELECT max(coalesce(answer.clean_predicted = same.label, answer.correct))
      FROM input AS same
      JOIN run_input AS given ON given.input_id = same.id
      JOIN run_total AS total ON total.number = given.run
      JOIN run AS other ON other.id = total.run_id AND other.fingerprint = run.fingerprint
        AND other.seed = run.seed AND other.inputs_run IS NULL AND other.deleted_at IS NULL
      JOIN prediction AS answer ON answer.run = given.run AND answer.position = given.position
      WHERE same.image = input.image
    )
  END AS clean_correct,
  prediction.correct AS correct,
  input.image AS image, -- the same for the same pixels before any attack
  maker.id AS made_by, -- the run whose attack it is
  maker.attack AS attack_name,
  CASE WHEN run.seed < 0 THEN printf('%u', run.seed) ELSE run.seed END AS seed,
  CASE WHEN maker.attack_seed < 0 THEN printf('%u', maker.attack_seed) ELSE maker.attack_seed
    END AS attack_seed,
  maker.attack_steps AS attack_steps,
  maker.restarts AS restarts,
  maker.eot AS eot,
  maker.gradient AS gradient,
  -- What the attacker knew of the noise: fresh, frozen, or nothing (transfer).
  CASE
    WHEN run.id <> maker.id OR run.replay_of IS NOT NULL THEN 'transfer'
    ELSE coalesce(json_extract(maker.attack_json, '$.noise'), 'fresh')
  END AS noise,
  prediction.broken_by AS broken_by, -- member of an ensemble that found the final image
  -- Of the final image under fresh draws of the defence: share right, all right, most right.
  iif(run.id = maker.id AND json_extract(maker.attack_json, '$.redraws') > 0,
    coalesce(1.0 * prediction.redraws_correct / prediction.redraws, 0.0), NULL) AS mean_of_draws,
  iif(run.id = maker.id AND json_extract(maker.attack_json, '$.redraws') > 0,
    coalesce(prediction.redraws_correct = prediction.redraws, 0), NULL) AS worst_of_draws,
  iif(run.id = maker.id AND json_extract(maker.attack_json, '$.redraws') > 0,
    coalesce(prediction.redraws_majority = input.label, 0), NULL) AS majority_of_draws,
  input.source AS source -- number of dataset and split
FROM made
JOIN run ON run.id = made.run_id AND run.status = 'finished' AND run.deleted_at IS NULL
JOIN run AS maker ON maker.id = made.made_by
JOIN run_total ON run_total.run_id = run.id
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
JOIN source ON source.id = input.source
-- Of another's images those that its attack had changed; the same defence on the same noise answers
-- as it did.
WHERE run.id = maker.id OR (
  (run.fingerprint, run.seed) <> (maker.fingerprint, maker.seed)
  AND EXISTS (
    SELECT 1 FROM input AS original
    JOIN run_input AS given ON given.input_id = original.id
    JOIN run_total AS origin ON origin.number = given.run AND origin.run_id = maker.id
    JOIN prediction AS attacked ON attacked.run = given.run AND attacked.position = given.position
    WHERE original.image = input.image AND attacked.attacked = 1
  )
);
