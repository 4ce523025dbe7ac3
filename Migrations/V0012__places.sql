-- Losses that differ from image to image take less room. The column places of loss_blob has three
-- Int32 (draw, timestep, class) each, as before, where it is three times as long as the losses; else
-- bits. A row is a draw and a timestep of the run's whole grid, [draw][timestep]: the first four bytes
-- are the number of rows up to the last that has a loss, an Int32; then comes a bit for each row, set
-- where it has any; then, from the next byte on, a bit for each class of each row that has. The first
-- of eight is the lowest bit of a byte. No row changes; an older program, which would not understand
-- the new ones, does not write here any more.
SELECT 1;
