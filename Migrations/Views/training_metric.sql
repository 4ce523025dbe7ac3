-- One row a step of a training's metric: the point that counts.
CREATE VIEW training_metric AS
SELECT series.training_id AS training_id, series.name AS name, point.step AS step,
  point.value AS value
FROM metric_series AS series
JOIN metric_point AS point ON point.series_id = series.id
WHERE series.training_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM metric_point AS later
  WHERE later.series_id = point.series_id AND later.step = point.step
    AND later.arrival > point.arrival);
