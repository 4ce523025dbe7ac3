-- name: comparison
-- cardinality: many
-- description: Runs on the images that all of them classified, each against the first of them.
-- param: runs text: JSON array of full ids of runs
WITH
  chosen AS (SELECT key AS place, value AS run_id FROM json_each(:runs)),
  -- An image is the pixels that it is made from: clean and attacked versions of it are the same image.
  result AS (
    SELECT chosen.place, input.image, prediction.predicted,
      prediction.correct, prediction.nfe, prediction.gradients, input.sha256
    FROM chosen
    CROSS JOIN run_total ON run_total.run_id = chosen.run_id
    CROSS JOIN prediction ON prediction.run = run_total.number
    JOIN run_input ON run_input.run = prediction.run AND run_input.position = prediction.position
    JOIN input ON input.id = run_input.input_id
  ),
  shared AS (
    SELECT image
    FROM result
    GROUP BY image
    HAVING count(DISTINCT place) = (SELECT count(*) FROM chosen)
  ),
  common AS MATERIALIZED (SELECT * FROM result JOIN shared USING (image))
SELECT chosen.run_id AS id, count(other.place) AS n,
  coalesce(sum(other.correct), 0) AS n_correct,
  avg(other.nfe) AS nfe_per_image, avg(other.gradients) AS gradients_per_image,
  coalesce(sum(first.correct AND other.correct), 0) AS "both",
  coalesce(sum(first.correct AND NOT other.correct), 0) AS b,
  coalesce(sum(other.correct AND NOT first.correct), 0) AS c,
  coalesce(sum(NOT first.correct AND NOT other.correct), 0) AS neither,
  coalesce(sum(first.predicted <> other.predicted), 0) AS n_differ,
  coalesce(sum(first.sha256 <> other.sha256), 0) AS n_other_pixels
FROM chosen
LEFT JOIN common AS other ON other.place = chosen.place
LEFT JOIN common AS first ON first.place = 0 AND first.image = other.image
GROUP BY chosen.place
ORDER BY chosen.place;
