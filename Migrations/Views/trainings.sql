-- One row a training with its last loss and validation loss.
CREATE VIEW trainings AS
SELECT
  id, kind,
  CASE
    WHEN status = 'running' AND (
      SELECT max(heartbeat_at) FROM training_session WHERE training_id = training.id
    ) NOT BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds')
      AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes') THEN 'crashed'
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
