-- One row an image with its losses as they are stored, runs in the trash included: what the table of
-- this name was.
CREATE VIEW loss AS
SELECT run_total.run_id AS run_id, loss_blob.position AS position,
  loss_blob."values" AS "values", loss_blob.places AS places
FROM run_total JOIN loss_blob ON loss_blob.run = run_total.number;
