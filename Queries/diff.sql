-- name: diff
-- cardinality: many
-- description: What two runs differ in: configuration, run, inputs, code, machine.
-- param: a run: the first run
-- param: b run: the second run
WITH
  side AS (SELECT 1 AS place, :a AS id UNION ALL SELECT 2, :b),
  described AS (
    SELECT 1 AS part, side.place, field.key, field.atom
    FROM side
    JOIN run ON run.id = side.id
    JOIN configuration ON configuration.fingerprint = run.fingerprint
    JOIN json_each(json_object(
      'classifier', classifier, 'model', model, 'lm_model', lm_model, 'grid', grid,
      'weights', weights, 'loss', loss, 'reduction', reduction, 'logit_scale', logit_scale,
      'prior', json_extract(configuration.json, '$.prior'), 'noise', noise, 'share_timesteps', share_timesteps,
      'antithetic', antithetic, 'draws', draws, 'strategy', strategy, 'lm', lm,
      'lm_steps', lm_steps, 'lm_rate', lm_rate, 'lm_sigma_low', lm_sigma_low,
      'lm_sigma_high', lm_sigma_high, 'lm_momentum', json_extract(configuration.json, '$.lm.momentum'),
      'eta', eta)) AS field
    UNION ALL
    -- Fields that have no column of their own; where one is left out it is neutral.
    SELECT 1, side.place, field.key, coalesce(field.atom, field.value)
    FROM side
    JOIN run ON run.id = side.id
    JOIN configuration ON configuration.fingerprint = run.fingerprint
    JOIN json_each(configuration.json) AS field
    WHERE field.key <> 'lm' AND field.key <> 'prior'
      AND field.key NOT IN (SELECT name FROM pragma_table_xinfo('configuration'))
    UNION ALL
    SELECT 2, side.place, field.key, field.atom
    FROM side
    JOIN run ON run.id = side.id
    JOIN json_each(json_object(
      'name', name, 'group', run_group, 'note', note, 'status', status,
      'seed', iif(seed < 0, printf('%u', seed), seed),
      'attack', attack, 'norm', norm, 'epsilon', epsilon, 'attack_steps', attack_steps,
      'restarts', restarts, 'eot', eot, 'gradient', gradient,
      'attack_seed', iif(attack_seed < 0, printf('%u', attack_seed), attack_seed),
      'records_losses', records_losses, 'replay_of', replay_of)) AS field
    UNION ALL
    -- Parameters of an attack that have no column of their own; one that is left out is neutral.
    SELECT 2, side.place, 'attack.' || field.key, coalesce(field.atom, field.value)
    FROM side
    JOIN run ON run.id = side.id
    JOIN json_each(run.attack_json) AS field
    WHERE field.key NOT IN (
      'name', 'norm', 'epsilon', 'steps', 'restarts', 'eot', 'gradient')
    UNION ALL
    SELECT 2, side.place, 'tags.' || run_tag.key, run_tag.value
    FROM side
    JOIN run_tag ON run_tag.run_id = side.id
    UNION ALL
    SELECT 3, side.place, field.key, field.atom
    FROM side
    JOIN run ON run.id = side.id
    JOIN json_each(json_object(
      'dataset', dataset, 'split', split, 'images', images, 'inputs_run', inputs_run,
      'images the other has not', (
        SELECT count(*) FROM run_total
        JOIN run_input ON run_input.run = run_total.number
        WHERE run_id = side.id AND NOT EXISTS (
          SELECT 1 FROM run_input AS other
          WHERE other.input_id = run_input.input_id AND other.run = (
            SELECT number FROM run_total WHERE run_id = iif(side.place = 1, :b, :a))))
      )) AS field
    UNION ALL
    SELECT iif(field.key IN ('elbow', 'commit', 'uncommitted changes'), 4, 5), side.place,
      field.key, field.atom
    FROM side
    JOIN session ON session.run_id = side.id AND session.number = 0
    JOIN json_each(json_object(
      'elbow', elbow_version, 'commit', git_commit,
      'uncommitted changes', iif(git_dirty, coalesce(diff_sha256, 'untracked files'), NULL),
      'host', host, 'cpu', cpu, 'threads', threads, 'batch', batch, 'blas', blas,
      'instruction_set', instruction_set, 'sqlite', sqlite_version, 'libraries', libraries,
      'command', argv)) AS field
  )
SELECT CASE part WHEN 1 THEN 'configuration' WHEN 2 THEN 'run' WHEN 3 THEN 'inputs'
    WHEN 4 THEN 'code' ELSE 'machine' END AS part,
  key AS field, max(iif(place = 1, atom, NULL)) AS first, max(iif(place = 2, atom, NULL)) AS second
FROM described
GROUP BY described.part, key
HAVING first IS NOT second OR (key = 'images the other has not' AND first > 0)
ORDER BY described.part, key;
