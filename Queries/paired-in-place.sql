-- name: paired-in-place
-- cardinality: one
-- description: As paired, of the images that stand at the same places in two runs.
-- param: a run: the first run
-- param: b run: the second run
SELECT count(*) AS n,
  coalesce(sum(first.correct AND second.correct), 0) AS "both",
  coalesce(sum(first.correct AND NOT second.correct), 0) AS b,
  coalesce(sum(second.correct AND NOT first.correct), 0) AS c,
  coalesce(sum(NOT first.correct AND NOT second.correct), 0) AS neither
FROM run_total AS a
CROSS JOIN run_total AS b ON b.run_id = :b
CROSS JOIN run_input AS given ON given.run = a.number
CROSS JOIN run_input AS also ON also.run = b.number AND also.position = given.position
  AND (also.input_id = given.input_id OR (SELECT image FROM input WHERE id = also.input_id)
    = (SELECT image FROM input WHERE id = given.input_id))
CROSS JOIN prediction AS first ON first.run = a.number AND first.position = given.position
CROSS JOIN prediction AS second ON second.run = b.number AND second.position = given.position
WHERE a.run_id = :a;
