-- One row a run and class: its number, as in label, predicted and class, with its name.
CREATE VIEW class_names AS
SELECT run.id AS run_id, item.key AS class, item.value AS name
FROM run JOIN json_each(run.class_names) AS item
WHERE run.deleted_at IS NULL;
