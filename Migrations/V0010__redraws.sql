-- A classifier that draws noise answers an attack's final image again, on fresh draws; and which
-- member of an ensemble found that image.
ALTER TABLE prediction ADD COLUMN redraws INTEGER CHECK (redraws > 0);
ALTER TABLE prediction ADD COLUMN redraws_correct INTEGER
  CHECK (redraws_correct BETWEEN 0 AND redraws);
-- The class answered most often; of classes that are level the lowest that is wrong, if any.
ALTER TABLE prediction ADD COLUMN redraws_majority INTEGER;
ALTER TABLE prediction ADD COLUMN broken_by TEXT;
