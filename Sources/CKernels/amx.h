// Products in bfloat16 by tiles of 16 rows of 64 bytes, as AMX has them: C (16 x 16 floats) += A (16 x 32
// halves) B (16 pairs of rows x 16 columns). The file that includes this defines the operations
// tile_zero(n), tile_load(n, base, bytes a row), tile_multiply(c, a, b), tile_store(n, base, bytes a row).

#include "panels.h"

// Two by two tiles of C, 0 ... 3; A in 4 and 5, B in 6 and 7.
#define TILES(tall, wide) \
  do { \
    tile_zero(0); \
    if (wide) tile_zero(1); \
    if (tall) tile_zero(2); \
    if (tall && wide) tile_zero(3); \
    for (long i = 0; i < depth; i += 32) { \
      tile_load(4, a + i, 2 * depth); \
      if (tall) tile_load(5, a + 16 * depth + i, 2 * depth); \
      tile_load(6, b + i * width, 4 * width); \
      if (wide) tile_load(7, b + i * width + 32, 4 * width); \
      tile_multiply(0, 4, 6); \
      if (wide) tile_multiply(1, 4, 7); \
      if (tall) tile_multiply(2, 5, 6); \
      if (tall && wide) tile_multiply(3, 5, 7); \
    } \
    tile_store(0, c, 4 * width); \
    if (wide) tile_store(1, c + 16, 4 * width); \
    if (tall) tile_store(2, c + 16 * width, 4 * width); \
    if (tall && wide) tile_store(3, c + 16 * width + 16, 4 * width); \
  } while (0)

// 32 rows where there are as many, and a panel of 32 or 16 columns. A and C have room for a multiple of 16
// rows: those beyond are computed and never read.
static void tile_product(
  long rows, long depth, const unsigned short *a, const unsigned short *b, long width, float *c
) {
  for (long row = 0; row < rows; row += 32, a += 32 * depth, c += 32 * width) {
    const int tall = rows - row > 16;
    if (width == 32) {
      if (tall) TILES(1, 1);
      else TILES(0, 1);
    } else {
      if (tall) TILES(1, 0);
      else TILES(0, 0);
    }
  }
}

static void tile_products(const kernel_products *p) {
  tile_configure();
  multiply_positions(p, tile_product);
  tile_finish();
}
