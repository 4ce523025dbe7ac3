-- One row an image and class, runs in the trash included: what the table of this name was.
CREATE VIEW class_elbo AS
SELECT run_total.run_id AS run_id, class_evidence.position AS position,
  class_evidence.class AS class, class_evidence.elbo AS elbo,
  class_evidence.last_round AS last_round
FROM run_total JOIN class_evidence ON class_evidence.run = run_total.number;
