-- name: paired
-- cardinality: one
-- description: Two runs on the images they share: right in both, in one only, in neither.
-- param: a run: the first run
-- param: b run: the second run
SELECT count(*) AS n,
  coalesce(sum(first.correct AND second.correct), 0) AS "both",
  coalesce(sum(first.correct AND NOT second.correct), 0) AS b,
  coalesce(sum(second.correct AND NOT first.correct), 0) AS c,
  coalesce(sum(NOT first.correct AND NOT second.correct), 0) AS neither
FROM run_total AS a
JOIN run_total AS b ON b.run_id = :b
JOIN run_input AS given ON given.run = a.number
JOIN input AS image ON image.id = given.input_id
JOIN prediction AS first ON first.run = given.run AND first.position = given.position
-- An image is the pixels that it is made from: clean and attacked versions of it are the same image.
JOIN input AS other ON other.image = image.image
JOIN run_input AS also ON also.input_id = other.id AND also.run = b.number
JOIN prediction AS second ON second.run = also.run AND second.position = also.position
WHERE a.run_id = :a;
