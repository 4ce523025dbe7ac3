-- One row an image and class: its ELBO, or the logit of a classifier that weighs no losses; NULL
-- where the strategy eliminated the class.
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
