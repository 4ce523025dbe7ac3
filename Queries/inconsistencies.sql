-- name: inconsistencies
-- cardinality: many
-- description: What in a run's rows contradicts the rest of them.
-- param: run run: full id of the run
WITH
  asked AS MATERIALIZED (
    SELECT run.*, run_total.number AS number,
      -- What another program has recorded follows rules of its own.
      run.invocation IS NOT NULL AND run.invocation <> 'null' AS is_own
    FROM run JOIN run_total ON run_total.run_id = run.id
    WHERE run.id = :run
  ),
  done AS (
    SELECT asked.is_own, asked.norm, asked.epsilon, asked.inputs_run, input.label, answer.*
    FROM asked
    CROSS JOIN prediction AS answer ON answer.run = asked.number
    LEFT JOIN run_input ON run_input.run = answer.run AND run_input.position = answer.position
    LEFT JOIN input ON input.id = run_input.input_id
  ),
  taken AS MATERIALIZED (
    SELECT run_input.position AS position, source, image_index, lower(hex(sha256)) AS sha256
    FROM asked
    CROSS JOIN run_input ON run_input.run = asked.number
    CROSS JOIN input ON input.id = run_input.input_id
    WHERE asked.inputs_run IS NOT NULL AND asked.is_own
  ),
  given AS MATERIALIZED (
    SELECT source, image_index, coalesce(made.sha256, lower(hex(input.sha256))) AS sha256
    FROM asked
    CROSS JOIN run_total AS maker ON maker.run_id = asked.inputs_run
    CROSS JOIN run_input ON run_input.run = maker.number
    CROSS JOIN input ON input.id = run_input.input_id
    LEFT JOIN adversarial_image AS made
      ON made.run = run_input.run AND made.position = run_input.position
  ),
  contradiction (position, what, stored, recomputed) AS (
    SELECT NULL, 'configuration.fingerprint', configuration.fingerprint, elbow_sha256(json)
    FROM asked JOIN configuration ON configuration.fingerprint = asked.fingerprint
    WHERE configuration.fingerprint IS NOT elbow_sha256(json)
    UNION ALL
    SELECT NULL, 'run.fingerprint', fingerprint, 'a configuration'
    FROM asked
    WHERE fingerprint IS NOT NULL AND fingerprint NOT IN (SELECT fingerprint FROM configuration)
    UNION ALL
    SELECT NULL, 'code_diff.sha256', code_diff.sha256, elbow_sha256(diff)
    FROM session JOIN code_diff ON code_diff.sha256 = session.diff_sha256
    WHERE run_id = :run AND code_diff.sha256 IS NOT elbow_sha256(diff)
    UNION ALL
    SELECT NULL, 'run.images', images, (SELECT count(*) FROM run_input WHERE run = number)
    FROM asked
    WHERE fingerprint IS NOT NULL
      AND images IS NOT (SELECT count(*) FROM run_input WHERE run = number)
    UNION ALL
    SELECT NULL, 'run.status', 'finished',
      (SELECT count(*) FROM prediction WHERE run = number) || ' of ' || images || ' images'
    FROM asked
    WHERE status = 'finished' AND fingerprint IS NOT NULL
      AND images IS NOT (SELECT count(*) FROM prediction WHERE run = number)
    UNION ALL
    SELECT NULL, 'run_total.' || item.key, item.value, json_extract(sums.value, '$.' || item.key)
    FROM asked
    JOIN run_total AS total ON total.number = asked.number
    CROSS JOIN json_each(json_array((
      SELECT json_object('n', count(*), 'n_correct', total(correct), 'nfe', total(nfe),
        'gradients', total(gradients), 'seconds', total(seconds), 'attack_nfe', total(attack_nfe),
        'attack_gradients', total(attack_gradients), 'attack_seconds', total(attack_seconds))
      FROM prediction WHERE run = asked.number))) AS sums
    CROSS JOIN json_each(json_object('n', total.n, 'n_correct', total.n_correct, 'nfe', total.nfe,
      'gradients', total.gradients, 'seconds', total.seconds, 'attack_nfe', total.attack_nfe,
      'attack_gradients', total.attack_gradients, 'attack_seconds', total.attack_seconds)) AS item
    -- Seconds were added up in another order.
    WHERE abs(item.value - json_extract(sums.value, '$.' || item.key))
      > 1e-9 * iif(item.key LIKE '%seconds', abs(item.value), 0)
    UNION ALL
    SELECT position, 'input.image', input.image, 'an image that stands for itself'
    FROM asked
    CROSS JOIN run_input ON run_input.run = asked.number
    CROSS JOIN input ON input.id = run_input.input_id
    LEFT JOIN input AS image ON image.id = input.image
    WHERE image.image IS NOT image.id OR image.id IS NULL
    UNION ALL
    -- Images of another run are those that it has recorded.
    SELECT taken.position, 'input.sha256', taken.sha256, given.sha256
    FROM taken JOIN given ON given.source = taken.source AND given.image_index = taken.image_index
    WHERE taken.sha256 IS NOT given.sha256
    UNION ALL
    -- Attacks are made on what is right when clean; a natural shift comes over every image.
    SELECT position, 'prediction.correct', correct, is_right
    FROM (
      SELECT position, correct, predicted = label
          AND (norm IS 'corruption' OR coalesce(clean_predicted = label, TRUE)) AS is_right
      FROM done)
    WHERE correct IS NOT is_right
    UNION ALL
    SELECT position, 'prediction.attacked', attacked, clean_predicted = label
    FROM done
    WHERE is_own AND norm IS NOT 'corruption' AND attacked IS NOT (clean_predicted = label)
    UNION ALL
    SELECT position, 'prediction.predicted', predicted, best
    FROM (
      SELECT done.*, (
        SELECT class FROM class_evidence
        WHERE class_evidence.run = done.run AND class_evidence.position = done.position
          AND elbo IS NOT NULL
        ORDER BY elbo DESC, class LIMIT 1) AS best
      FROM done WHERE is_own)
    WHERE best <> predicted
    UNION ALL
    SELECT position, 'prediction.attack_' || norm, iif(norm = 'l2', attack_l2, attack_linf),
      'at most ' || epsilon
    FROM done
    WHERE is_own AND norm IN ('linf', 'l2') AND iif(norm = 'l2', attack_l2, attack_linf) > epsilon
    UNION ALL
    SELECT position, 'adversarial_image.sha256', sha256, elbow_sha256(pixels)
    FROM asked CROSS JOIN adversarial_image ON adversarial_image.run = asked.number
    WHERE sha256 IS NOT elbow_sha256(pixels)
    UNION ALL
    SELECT position, 'prediction', 'none', 'recorded, and gone since'
    FROM asked
    CROSS JOIN prediction_checksum AS checksum ON checksum.run = asked.number
    WHERE NOT EXISTS (
      SELECT 1 FROM prediction
      WHERE prediction.run = checksum.run AND prediction.position = checksum.position)
    UNION ALL
    SELECT position, 'prediction_checksum', 'none', 'one of every prediction of the run'
    FROM asked
    CROSS JOIN run_checksum ON run_checksum.run = asked.number
    CROSS JOIN prediction ON prediction.run = asked.number
    WHERE NOT EXISTS (
      SELECT 1 FROM prediction_checksum AS checksum
      WHERE checksum.run = prediction.run AND checksum.position = prediction.position)
    UNION ALL
    SELECT DISTINCT position, 'class_evidence.position', position, 'the position of a prediction'
    FROM asked CROSS JOIN class_evidence AS item ON item.run = asked.number
    WHERE NOT EXISTS (
      SELECT 1 FROM prediction
      WHERE prediction.run = item.run AND prediction.position = item.position)
    UNION ALL
    SELECT position, 'loss_blob.position', position, 'the position of a prediction'
    FROM asked CROSS JOIN loss_blob AS item ON item.run = asked.number
    WHERE NOT EXISTS (
      SELECT 1 FROM prediction
      WHERE prediction.run = item.run AND prediction.position = item.position)
  )
SELECT contradiction.position AS position, input.image_index AS image, what, stored, recomputed
FROM contradiction
LEFT JOIN asked
LEFT JOIN run_input
  ON run_input.run = asked.number AND run_input.position = contradiction.position
LEFT JOIN input ON input.id = run_input.input_id;
