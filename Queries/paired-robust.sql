-- name: paired-robust
-- cardinality: one
-- description: As paired, of the runs' configurations under the worst of a budget's recorded attacks, each by the verdict of its headline; expected counts where that is a mean over draws.
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
  stood AS (
    SELECT place, image, share
    FROM side
    JOIN verdicts USING (fingerprint)
    WHERE norm = :norm AND abs(epsilon - :epsilon) < 1e-12
  ),
  total AS (
    SELECT count(*) AS n, coalesce(sum(first.share * second.share), 0) AS "both",
      coalesce(sum(first.share * (1 - second.share)), 0) AS b,
      coalesce(sum(second.share * (1 - first.share)), 0) AS c
    FROM stood AS first
    JOIN stood AS second ON second.place = 2 AND second.image = first.image
    WHERE first.place = 1 AND first.share IS NOT NULL AND second.share IS NOT NULL
  )
-- Whole numbers whose sum is n: none of them may be rounded beyond what the others leave.
SELECT n, n - b - c - min(neither, n - b - c) AS "both", b, c, min(neither, n - b - c) AS neither
FROM (
  SELECT n, CAST(round(b) AS INTEGER) AS b,
    CAST(min(round(c), n - round(b)) AS INTEGER) AS c,
    CAST(round(n - "both" - b - c) AS INTEGER) AS neither
  FROM total
);
