-- name: paired-robust-each
-- cardinality: many
-- description: As paired-robust, of many pairs of runs at once.
-- param: pairs text = []: JSON array of pairs of full ids of runs
-- param: norm text: linf or l2
-- param: epsilon real: budget in pixel units
WITH
  pair AS (
    SELECT key AS place, json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b
    FROM json_each(:pairs)
  ),
  stood AS MATERIALIZED (
    SELECT fingerprint, image, share
    FROM verdicts
    WHERE norm = :norm AND abs(epsilon - :epsilon) < 1e-12
  ),
  total AS (
    SELECT pair.place, pair.a AS run_a, pair.b AS run_b, count(*) AS n,
      sum(first.share * second.share) AS "both", sum(first.share * (1 - second.share)) AS b,
      sum(second.share * (1 - first.share)) AS c
    FROM pair
    CROSS JOIN run AS one ON one.id = pair.a
    CROSS JOIN run AS other ON other.id = pair.b
    CROSS JOIN stood AS first ON first.fingerprint = one.fingerprint
    CROSS JOIN stood AS second
      ON second.fingerprint = other.fingerprint AND second.image = first.image
    WHERE first.share IS NOT NULL AND second.share IS NOT NULL
    GROUP BY pair.place
  )
-- As of paired-robust: none is rounded beyond what the others leave.
SELECT run_a, run_b, n,
  n - b - c - min(neither, n - b - c) AS "both", b, c, min(neither, n - b - c) AS neither
FROM (
  SELECT place, run_a, run_b, n, CAST(round(b) AS INTEGER) AS b,
    CAST(min(round(c), n - round(b)) AS INTEGER) AS c,
    CAST(round(n - "both" - b - c) AS INTEGER) AS neither
  FROM total
)
ORDER BY place;
