-- One row a step of a run's metric: the point that counts. A value that is NULL is not a number.
CREATE VIEW metrics AS
SELECT series.run_id AS run_id, series.name AS name, point.step AS step, point.value AS value,
  strftime('%Y-%m-%dT%H:%M:%fZ', point.logged_at / 1000.0, 'unixepoch') AS logged_at
FROM metric_series AS series
JOIN run ON run.id = series.run_id AND run.deleted_at IS NULL
JOIN metric_point AS point ON point.series_id = series.id
WHERE NOT EXISTS (
  SELECT 1 FROM metric_point AS later
  WHERE later.series_id = point.series_id AND later.step = point.step
    AND later.arrival > point.arrival);
