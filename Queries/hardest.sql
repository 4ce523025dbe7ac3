-- name: hardest
-- cardinality: many
-- description: Images that the most clean runs got wrong.
-- param: limit integer = 20: how many
SELECT source.dataset AS dataset, source.split AS split, input.image_index AS image_index,
  input.label AS label, count(*) AS runs, sum(1 - prediction.correct) AS wrong,
  1.0 * sum(1 - prediction.correct) / count(*) AS share_wrong
FROM input
JOIN source ON source.id = input.source
JOIN run_input ON run_input.input_id = input.id
JOIN prediction ON prediction.run = run_input.run AND prediction.position = run_input.position
JOIN run_total ON run_total.number = prediction.run
WHERE run_total.run_id IN (SELECT id FROM runs WHERE attack IS NULL AND inputs = 'clean')
GROUP BY input.id
HAVING wrong > 0
ORDER BY share_wrong DESC, runs DESC, input.image_index LIMIT :limit;
