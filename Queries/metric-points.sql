-- name: metric-points
-- cardinality: many
-- description: Points of a run's metrics, step by step; counts: 0 where the step was logged again.
-- param: run run: the run
-- param: names text = []: JSON array of the metrics, empty for all of them
-- param: repeated integer = 0: 1 for the points that do not count as well
SELECT series.name AS name, point.step AS step, point.value AS value,
  strftime('%Y-%m-%dT%H:%M:%fZ', point.logged_at / 1000.0, 'unixepoch') AS logged_at,
  later.arrival IS NULL AS counts
FROM metric_series AS series
JOIN metric_point AS point ON point.series_id = series.id
LEFT JOIN metric_point AS later ON later.series_id = point.series_id AND later.step = point.step
  AND later.arrival = (
    SELECT max(arrival) FROM metric_point
    WHERE series_id = point.series_id AND step = point.step AND arrival > point.arrival)
WHERE series.run_id = :run
  AND (:names = '[]' OR series.name IN (SELECT value FROM json_each(:names)))
  AND (:repeated OR later.arrival IS NULL)
ORDER BY series.name, point.step, point.arrival;
