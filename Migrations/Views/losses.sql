-- One row a raw loss that a run recorded: the error summed over pixels, before weights and reduction;
-- infinite where it diverged. Elbow's own connections read the same rows faster.
CREATE VIEW losses AS
WITH
  -- A loss in the order of its record, as the bits of a Float32. Where all classes were asked for at
  -- the same timesteps its place tells which it is; else the record's places do: Int32 as well, three
  -- a loss; or bits, after an Int32 that is the number of rows of draw and timestep: one a row, set
  -- where it has losses, then from the next byte on one a class of each row that has.
  item AS (
    SELECT run.id AS run_id, input.image_index, record.position, number.key AS place,
      record.places IS NULL AS is_dense, bits.value AS bits,
      json_array_length(run.class_names) AS classes, asked.value AS timesteps,
      -- Of a record of bits: the rows that have losses, and which of all their classes it is, from 0.
      row.value AS "rows",
      iif(row.value IS NULL, NULL, number.value) AS cell,
      grid.value AS levels,
      instr(byte.digits, substr(record.places, 12 * number.key + 1, 1))
        | (instr(byte.digits, substr(record.places, 12 * number.key + 2, 1)) << 8)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 3, 1)) << 16)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 4, 1)) << 24)
        AS draw,
      instr(byte.digits, substr(record.places, 12 * number.key + 4 + 1, 1))
        | (instr(byte.digits, substr(record.places, 12 * number.key + 4 + 2, 1)) << 8)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 4 + 3, 1)) << 16)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 4 + 4, 1)) << 24)
        AS timestep,
      instr(byte.digits, substr(record.places, 12 * number.key + 8 + 1, 1))
        | (instr(byte.digits, substr(record.places, 12 * number.key + 8 + 2, 1)) << 8)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 8 + 3, 1)) << 16)
        | (instr(byte.digits, substr(record.places, 12 * number.key + 8 + 4, 1)) << 24)
        AS class
    FROM run
    CROSS JOIN run_total ON run_total.run_id = run.id
    CROSS JOIN loss_blob AS record ON record.run = run_total.number
    CROSS JOIN run_input ON run_input.run = record.run AND run_input.position = record.position
    CROSS JOIN input ON input.id = run_input.input_id
    -- A byte's value is its place here; 0 has none.
    CROSS JOIN (
      SELECT CAST(x'0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
        || x'202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f'
        || x'404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f'
        || x'606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f'
        || x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'
        || x'a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf'
        || x'c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf'
        || x'e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' AS BLOB) AS digits
    ) AS byte
    -- What stands in json_each is found once, not wherever it is used.
    CROSS JOIN json_each(json_array((
      SELECT json_group_array(timestep) FROM (
        SELECT timestep FROM run_timestep
        WHERE run_timestep.run_id = run.id AND strategy_weight IS NOT NULL ORDER BY timestep)
    ))) AS asked
    CROSS JOIN json_each(json_array((
      SELECT count(*) FROM run_timestep WHERE run_timestep.run_id = run.id))) AS grid
    CROSS JOIN json_each(json_array(iif(
      length(record.places) <> 3 * length(record."values"),
      instr(byte.digits, substr(record.places, 1, 1))
        | (instr(byte.digits, substr(record.places, 2, 1)) << 8)
        | (instr(byte.digits, substr(record.places, 3, 1)) << 16)
        | (instr(byte.digits, substr(record.places, 4, 1)) << 24),
      NULL
    ))) AS count
    CROSS JOIN json_each(json_array(iif(
      count.value IS NULL, NULL,
      (
        SELECT json_group_array(bit.key)
        FROM json_each(
          '[0' || replace(hex(zeroblob(8 * length(record.places))), '00', ',0') || ']'
        ) AS bit
        WHERE bit.key < count.value
          AND instr(byte.digits, substr(record.places, bit.key / 8 + 5, 1)) >> bit.key % 8 & 1
      )
    ))) AS row
    -- Numbers from 0, one for each loss.
    CROSS JOIN json_each(iif(
      count.value IS NOT NULL,
      (
        SELECT json_group_array(bit.key)
        FROM json_each(
          '[0' || replace(hex(zeroblob(8 * length(record.places))), '00', ',0') || ']'
        ) AS bit
        WHERE instr(byte.digits, substr(
          record.places, (count.value + 7) / 8 + bit.key / 8 + 5, 1)) >> bit.key % 8 & 1
      ),
      '[0' || replace(hex(zeroblob(max(length(record."values") / 4, 1) - 1)), '00', ',0') || ']'
    )) AS number ON number.key < length(record."values") / 4
    CROSS JOIN json_each(
      instr(byte.digits, substr(record."values", 4 * number.key + 1, 1))
      | (instr(byte.digits, substr(record."values", 4 * number.key + 2, 1)) << 8)
      | (instr(byte.digits, substr(record."values", 4 * number.key + 3, 1)) << 16)
      | (instr(byte.digits, substr(record."values", 4 * number.key + 4, 1)) << 24)
    ) AS bits
    WHERE run.deleted_at IS NULL
  )
SELECT run_id, image_index,
  iif(is_dense, place / (json_array_length(timesteps) * classes),
    coalesce(json_extract("rows", '$[' || (cell / classes) || ']') / levels, draw)) AS draw,
  iif(is_dense, json_extract(
      timesteps, '$[' || (place / classes % json_array_length(timesteps)) || ']'),
    coalesce(json_extract("rows", '$[' || (cell / classes) || ']') % levels, timestep)
  ) AS timestep,
  iif(is_dense, place % classes, coalesce(cell % classes, class)) AS class,
  -- Sign, fraction and a power of two, which is exact; subnormal where the exponent is 0.
  CASE bits >> 23 & 255
    WHEN 255 THEN 9e999
    ELSE iif(bits >> 31, -1.0, 1.0)
      * iif(bits >> 23 & 255, bits & 8388607 | 8388608, bits & 8388607)
      * (1 << max((bits >> 23 & 255) - 150, 0) % 60)
      * iif((bits >> 23 & 255) >= 210, 1152921504606846976.0, 1.0)
      / (1 << max(150 - max(bits >> 23 & 255, 1), 0) % 60)
      / iif((bits >> 23 & 255) <= 90, 1152921504606846976.0, 1.0)
      / iif((bits >> 23 & 255) <= 30, 1152921504606846976.0, 1.0)
  END AS loss,
  position
FROM item;
