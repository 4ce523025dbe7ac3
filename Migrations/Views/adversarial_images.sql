-- One row an image that an attack has changed: Float32, little-endian, [C, H, W], pixel units.
CREATE VIEW adversarial_images AS
SELECT run_total.run_id AS run_id, input.image_index AS image_index,
  adversarial_image.pixels AS pixels, adversarial_image.sha256 AS sha256,
  adversarial_image.position AS position
FROM adversarial_image
JOIN run_total ON run_total.number = adversarial_image.run
JOIN run ON run.id = run_total.run_id AND run.deleted_at IS NULL
JOIN run_input ON run_input.run = adversarial_image.run
  AND run_input.position = adversarial_image.position
JOIN input ON input.id = run_input.input_id;
