-- name: evidence-image
-- cardinality: many
-- description: What each timestep adds to the ELBO of every class, for one image.
-- param: run run: the run
-- param: image integer: index of the image in its split
WITH
  part AS (
    SELECT timestep, sigma,
      strategy_weight * logit_scale / iif(reduction = 'mean', channels * height * width, 1) AS weight
    FROM run
    JOIN configuration ON configuration.fingerprint = run.fingerprint
    JOIN run_timestep ON run_timestep.run_id = run.id
    WHERE run.id = :run AND strategy_weight IS NOT NULL
  ),
  place AS MATERIALIZED (
    SELECT run_input.position, input.label, prediction.predicted
    FROM run_total
    JOIN run_input ON run_input.run = run_total.number
    JOIN input ON input.id = run_input.input_id
    JOIN prediction ON prediction.run = run_input.run AND prediction.position = run_input.position
    WHERE run_total.run_id = :run AND input.image_index = :image
  )
SELECT part.timestep AS timestep, part.sigma AS sigma, class, -part.weight * avg(loss) AS elbo,
  label, predicted
FROM place
CROSS JOIN losses ON losses.run_id = :run AND losses.position = place.position
CROSS JOIN part ON part.timestep = losses.timestep
GROUP BY part.timestep, class
ORDER BY part.timestep, class;
