-- name: metric-series
-- cardinality: many
-- description: A run's metrics: steps, last, least, greatest and mean value, not-a-numbers left out.
-- param: run run: the run
SELECT series.name AS name, count(*) AS steps, series.points - count(*) AS repeated,
  min(point.step) AS first_step, max(point.step) AS last_step, (
    SELECT value FROM metric_point
    WHERE series_id = series.id ORDER BY step DESC, arrival DESC LIMIT 1
  ) AS last,
  min(point.value) AS min, max(point.value) AS max, avg(point.value) AS mean
FROM metric_series AS series
JOIN metric_point AS point ON point.series_id = series.id
WHERE series.run_id = :run AND NOT EXISTS (
  SELECT 1 FROM metric_point AS later
  WHERE later.series_id = point.series_id AND later.step = point.step
    AND later.arrival > point.arrival)
GROUP BY series.id ORDER BY series.name;
