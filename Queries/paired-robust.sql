-- name: paired-robust
-- cardinality: one
-- description: As paired, of the runs' configurations under the worst of a budget's recorded attacks.
-- param: a run: the first run
-- param: b run: the second run
-- param: norm text: linf or l2
-- param: epsilon real: budget in pixel units
WITH
  side AS (
    SELECT 1 AS place, fingerprint FROM run WHERE id = :a
    UNION ALL
    SELECT 2, fingerprint FROM run WHERE id = :b
  ),
  attempt AS (
    SELECT place, dataset, split, image, attack, min(correct) AS correct
    FROM side JOIN attempts USING (fingerprint)
    WHERE norm = :norm AND abs(epsilon - :epsilon) < 1e-12
    GROUP BY 1, 2, 3, 4, 5
  ),
  tried AS (
    SELECT place, dataset, split, count(DISTINCT attack) AS attacks
    FROM attempt GROUP BY 1, 2, 3
  ),
  -- An image counts where every attack was tried on it, as in the view robustness.
  worst AS (
    SELECT place, image, min(correct) AS correct
    FROM attempt JOIN tried USING (place, dataset, split)
    GROUP BY 1, 2 HAVING count(*) = attacks
  )
SELECT count(*) AS n,
  coalesce(sum(first.correct AND second.correct), 0) AS "both",
  coalesce(sum(first.correct AND NOT second.correct), 0) AS b,
  coalesce(sum(second.correct AND NOT first.correct), 0) AS c,
  coalesce(sum(NOT first.correct AND NOT second.correct), 0) AS neither
FROM worst AS first
JOIN worst AS second ON second.place = 2 AND second.image = first.image
WHERE first.place = 1;
