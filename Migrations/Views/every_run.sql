-- One row a run, in the trash or not: the views runs and trash are its parts. Accuracies are
-- fractions of the images done, with Wilson 95 % bounds.
CREATE VIEW every_run AS
SELECT
  run.id AS id,
  run.name AS name,
  CASE
    -- Silent for a minute; or of a clock so far ahead that its run would seem to live for ever.
    WHEN run.status = 'running' AND (
      SELECT max(heartbeat_at) FROM session WHERE session.run_id = run.id
    ) NOT BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-60 seconds')
      AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+10 minutes') THEN 'crashed'
    ELSE run.status
  END AS status,
  run.run_group AS "group",
  configuration.classifier AS classifier,
  model.name AS model,
  model.sha256 AS model_sha256,
  run.fingerprint AS fingerprint,
  run.dataset AS dataset,
  run.split AS split,
  run.images AS images,
  configuration.strategy AS strategy,
  run.timesteps AS timesteps,
  configuration.grid AS grid,
  configuration.weights AS weights,
  configuration.noise AS noise,
  configuration.loss AS loss,
  configuration.reduction AS reduction,
  configuration.lm AS lm,
  configuration.eta AS eta,
  run.attack AS attack,
  run.norm AS norm,
  run.epsilon AS epsilon,
  run_total.accuracy AS accuracy,
  run_total.accuracy_low AS accuracy_low,
  run_total.accuracy_high AS accuracy_high,
  CASE WHEN run_total.n > 0 THEN run_total.n_correct END AS n_correct,
  1.0 * run_total.nfe / run_total.n AS nfe_per_image,
  1.0 * run_total.gradients / run_total.n AS gradients_per_image,
  CASE WHEN run.replay_of IS NULL
    THEN run_total.seconds / run_total.n END AS seconds_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN 1.0 * run_total.attack_gradients / run_total.n END AS attack_gradients_per_image,
  CASE WHEN run.attack IS NOT NULL
    THEN run_total.attack_seconds / run_total.n END AS attack_seconds_per_image,
  -- Seeds are of 64 bits without a sign: from 2^63 on they are texts.
  CASE WHEN run.seed < 0 THEN printf('%u', run.seed) ELSE run.seed END AS seed,
  run.started_at AS started_at,
  run.finished_at AS finished_at,
  (SELECT git_commit FROM session WHERE session.run_id = run.id AND number = 0) AS git_commit,
  coalesce(run_total.n, 0) AS n_done,
  CASE WHEN run.attack_seed < 0 THEN printf('%u', run.attack_seed) ELSE run.attack_seed
    END AS attack_seed,
  run.attack_steps AS attack_steps,
  run.restarts AS restarts,
  run.eot AS eot,
  run.inputs_run AS inputs_run,
  run.note AS note,
  run.error AS error,
  run.replay_of AS replay_of,
  run.run_group AS run_group, -- as group, which is a keyword
  -- What the images are that were given: the dataset's own, or what an attack had made of them in
  -- inputs_run, or in a run whose images that one was given; NULL where such a run is gone.
  CASE
    WHEN run.images IS NULL THEN NULL
    WHEN run.inputs_run IS NULL THEN 'clean'
    ELSE (
      WITH RECURSIVE maker (id) AS (
        SELECT run.inputs_run
        UNION
        SELECT source.inputs_run FROM maker JOIN run AS source ON source.id = maker.id
        WHERE source.inputs_run IS NOT NULL
      )
      SELECT CASE
          WHEN max(source.attack IS NOT NULL) THEN 'attacked'
          WHEN min(source.images IS NOT NULL) THEN 'clean'
        END
      FROM maker JOIN run AS source ON source.id = maker.id
    )
  END AS inputs,
  run.question AS question, -- the same for runs that asked the same of the same images
  run.deleted_at AS deleted_at,
  json_extract(configuration.json, '$.purify') AS purify, -- as sde:0.34:10, NULL without
  json_extract(configuration.json, '$.randomized_smoothing')
    AS randomized_smoothing, -- as 0.25:100:1000, NULL without
  coalesce(json_extract(configuration.json, '$.precision'), 'fp32')
    AS precision, -- of the networks' products: fp32 or bf16
  -- What its processes cost, the attack's part included; peaks are of the largest of them. NULL where
  -- one of them could not measure it, or was killed: a part is not the whole.
  CASE WHEN run.replay_of IS NULL THEN (
      SELECT iif(count(cpu_seconds) = count(*), sum(cpu_seconds), NULL)
      FROM session WHERE session.run_id = run.id
    ) / run_total.n END AS cpu_seconds_per_image,
  CASE WHEN run.replay_of IS NULL THEN (
      SELECT iif(count(peak_memory) = count(*), max(peak_memory), NULL)
      FROM session WHERE session.run_id = run.id
    ) / 1048576.0 END AS peak_mebibytes,
  CASE WHEN run.replay_of IS NULL THEN (
      SELECT iif(count(energy) = count(*), sum(energy), NULL)
      FROM session WHERE session.run_id = run.id
    ) / run_total.n END AS joules_per_image,
  CASE WHEN run.replay_of IS NULL THEN (
      SELECT iif(count(gpu_energy) = count(*), sum(gpu_energy), NULL)
      FROM session WHERE session.run_id = run.id
    ) / run_total.n END AS gpu_joules_per_image,
  CASE WHEN run.replay_of IS NULL THEN (
      SELECT max(gpu_memory) FROM session WHERE session.run_id = run.id
    ) / 1048576.0 END AS gpu_peak_mebibytes,
  -- What computed it, where Elbow did not: 'engine', or 'program', which told its answers.
  CASE
    WHEN coalesce(run.invocation, 'null') = 'null' THEN 'program'
    WHEN json_valid(run.invocation) AND run.invocation ->> '$.engineSHA256' IS NOT NULL
      THEN 'engine'
  END AS external
FROM run
LEFT JOIN configuration ON configuration.fingerprint = run.fingerprint
LEFT JOIN model ON model.sha256 = configuration.model
LEFT JOIN run_total ON run_total.run_id = run.id;
