-- name: pareto
-- cardinality: many
-- description: What trade-offs are drawn from: the newest clean run of each question.
-- param: norm text = none: threat model of the robust accuracy, none for no robust accuracy
-- param: epsilon real = 0: its budget in pixel units
-- param: measures text = []: columns of runs that not every run has, to prefer repeats with them
WITH
  clean AS MATERIALIZED (
    SELECT id, row_number() OVER (
        -- A repeat that was not measured hides none that was; a live run says more than its replay.
        PARTITION BY question
        ORDER BY EXISTS (
            SELECT 1 FROM json_each(:measures) AS measure JOIN runs AS measured
            WHERE measured.id = run.id AND CASE measure.value
                WHEN 'seconds_per_image' THEN measured.seconds_per_image
                WHEN 'cpu_seconds_per_image' THEN measured.cpu_seconds_per_image
                WHEN 'peak_mebibytes' THEN measured.peak_mebibytes
                WHEN 'joules_per_image' THEN measured.joules_per_image
                WHEN 'gpu_joules_per_image' THEN measured.gpu_joules_per_image
                WHEN 'gpu_peak_mebibytes' THEN measured.gpu_peak_mebibytes
              END IS NULL
          ), replay_of IS NOT NULL, id DESC
      ) AS age,
      count(*) OVER (PARTITION BY question) - 1 AS older
    FROM run
    WHERE status = 'finished' AND attack IS NULL AND inputs_run IS NULL
      AND question IS NOT NULL AND deleted_at IS NULL
  ),
  robust AS (
    SELECT fingerprint, dataset, split, n, n_robust FROM robustness
    WHERE norm = :norm AND abs(epsilon - :epsilon) < 1e-12
  )
SELECT runs.*, clean.age AS age, clean.older AS older,
  1.0 * n_robust / n AS robust_accuracy, n AS n_robustness, n_robust
FROM clean
CROSS JOIN runs ON runs.id = clean.id
LEFT JOIN robust ON :norm <> 'none' AND robust.fingerprint = runs.fingerprint
  AND robust.dataset = runs.dataset AND robust.split = runs.split
WHERE age = 1
ORDER BY nfe_per_image, runs.id;
