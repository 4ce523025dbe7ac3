-- One row a run in the trash.
CREATE VIEW trash AS
SELECT * FROM every_run WHERE deleted_at IS NOT NULL;
