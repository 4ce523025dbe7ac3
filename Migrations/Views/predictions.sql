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
  lower(hex(input.sha256)) AS sha256,
  json_extract(run.class_names, '$[' || input.label || ']') AS label_name,
  json_extract(run.class_names, '$[' || prediction.predicted || ']') AS predicted_name,
  input.image AS image -- the same for the same pixels before any attack, in whichever run
FROM prediction
JOIN run_total ON run_total.number = prediction.run
JOIN run ON run.id = run_total.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
JOIN input ON input.id = run_input.input_id
JOIN source ON source.id = input.source;
