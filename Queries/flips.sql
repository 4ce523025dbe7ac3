-- name: flips
-- cardinality: many
-- description: Images that two runs answer differently, with how far ahead the true class was.
-- param: a run: the first run
-- param: b run: the second run
-- A margin is the ELBO of the true class less the best of the others; NULL: it was eliminated.
SELECT source.dataset AS dataset, source.split AS split, image.image_index AS image_index,
  image.label AS label, first.predicted AS first, second.predicted AS second,
  first.correct AS first_correct, second.correct AS second_correct, (
    SELECT max(CASE WHEN class = image.label THEN elbo END)
      - max(CASE WHEN class <> image.label THEN elbo END)
    FROM class_evidence
    WHERE class_evidence.run = first.run AND class_evidence.position = first.position
  ) AS first_margin, (
    SELECT max(CASE WHEN class = image.label THEN elbo END)
      - max(CASE WHEN class <> image.label THEN elbo END)
    FROM class_evidence
    WHERE class_evidence.run = second.run AND class_evidence.position = second.position
  ) AS second_margin
FROM run_total AS a
JOIN run_total AS b ON b.run_id = :b
JOIN run_input AS given ON given.run = a.number
JOIN input AS image ON image.id = given.input_id
JOIN source ON source.id = image.source
JOIN prediction AS first ON first.run = given.run AND first.position = given.position
-- An image is the pixels that it is made from: clean and attacked versions of it are the same image.
JOIN input AS other ON other.image = image.image
JOIN run_input AS also ON also.input_id = other.id AND also.run = b.number
JOIN prediction AS second ON second.run = also.run AND second.position = also.position
WHERE a.run_id = :a
  AND (first.predicted <> second.predicted OR first.correct <> second.correct)
ORDER BY first.correct - second.correct DESC, dataset, split, image_index;
