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
  prediction.correct AS correct,
  input.image AS image -- the same for the same pixels before any attack
FROM run
JOIN run_total ON run_total.run_id = run.id
JOIN prediction ON prediction.run = run_total.number
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
JOIN source ON source.id = input.source
WHERE run.attack IS NOT NULL AND run.deleted_at IS NULL;
