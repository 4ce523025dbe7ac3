-- name: evidence
-- cardinality: many
-- description: What each timestep adds to the ELBO, mean over images: the true class, the best other.
-- param: run run: the run
WITH
  part AS (
    SELECT timestep, sigma,
      strategy_weight * logit_scale / iif(reduction = 'mean', channels * height * width, 1) AS weight
    FROM run
    JOIN configuration ON configuration.fingerprint = run.fingerprint
    JOIN run_timestep ON run_timestep.run_id = run.id
    WHERE run.id = :run AND strategy_weight IS NOT NULL
  ),
  pair AS MATERIALIZED (
    -- The best other class is the wrong one of the highest ELBO.
    SELECT run_input.position, input.label, (
        SELECT class FROM class_evidence
        WHERE run = run_input.run AND class_evidence.position = run_input.position
          AND class <> input.label
        ORDER BY elbo DESC, class LIMIT 1
      ) AS other
    FROM run_total
    JOIN run_input ON run_input.run = run_total.number
    JOIN input ON input.id = run_input.input_id
    WHERE run_total.run_id = :run
  ),
  image AS (
    SELECT losses.position, part.timestep, part.sigma,
      -part.weight * avg(iif(class = label, loss, NULL)) AS true_class,
      -part.weight * avg(iif(class = other, loss, NULL)) AS best_other
    FROM pair
    -- In this order a record of losses is read once.
    CROSS JOIN losses ON losses.run_id = :run AND losses.position = pair.position
      AND class IN (label, other)
    CROSS JOIN part ON part.timestep = losses.timestep
    GROUP BY 1, 2
  )
SELECT timestep, sigma, count(*) AS n, avg(true_class) AS true_class, avg(best_other) AS best_other,
  avg(true_class - best_other) AS difference,
  avg((true_class - best_other) * (true_class - best_other)) AS square
FROM image
GROUP BY timestep ORDER BY timestep;
