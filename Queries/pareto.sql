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
  )
SELECT runs.*, clean.age AS age, clean.older AS older,
  robustness.accuracy AS robust_accuracy, robustness.n AS n_robustness,
  robustness.n_robust AS n_robust
FROM clean
CROSS JOIN runs ON runs.id = clean.id
LEFT JOIN robustness ON :norm <> 'none' AND robustness.fingerprint = runs.fingerprint
  AND robustness.dataset = runs.dataset AND robustness.split = runs.split
  AND robustness.norm = :norm AND abs(robustness.epsilon - :epsilon) < 1e-12
WHERE age = 1
ORDER BY nfe_per_image, runs.id;
