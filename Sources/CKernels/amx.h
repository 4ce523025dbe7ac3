// Products in bfloat16 by tiles of 16 rows of 64 bytes, as AMX has them: C (16 x 16 floats) += A (16 x 32
// halves) B (16 pairs of rows x 16 columns). The file that includes this defines the operations
// tile_zero(n), tile_load(n, base, bytes a row), tile_multiply(c, a, b), tile_store(n, base, bytes a row), and
// those that bring a line closer, tile_prefetch(line) to the first cache and tile_fetch(line) to the second.

#include "panels.h"

// A quarter of the next step's weights on their way to the first cache, while tiles are multiplied.
#define AHEAD(quarter, lines) \
  for (int line = (quarter) * (lines) / 4; line < ((quarter) + 1) * (lines) / 4; line++) \
    tile_prefetch(ahead + 32 * line)

// Two by two tiles of C, 0 ... 3; A in 4 and 5, B in 6 and 7.
#define TILES(tall, wide) \
  do { \
    enum { lines = wide ? 32 : 16 }; \
    tile_zero(0); \
    if (wide) tile_zero(1); \
    if (tall) tile_zero(2); \
    if (tall && wide) tile_zero(3); \
    const unsigned short *weights = b; \
    for (long term = 0; term < p->terms; term++) { \
      const unsigned short *values = a + term * p->a_term; \
      for (long i = 0; i < p->depth; i += 32, values += 32) { \
        const unsigned short *after = weights + 32 * lines, *ahead = after < end ? after : b; \
        for (long line = 0; line < share && next < last; line++, next += 32) tile_fetch(next); \
        AHEAD(0, lines); \
        tile_load(4, values, 2 * p->depth); \
        tile_load(6, weights, 4 * lines); \
        tile_multiply(0, 4, 6); \
        AHEAD(1, lines); \
        if (wide) tile_load(7, weights + 32, 4 * lines); \
        if (wide) tile_multiply(1, 4, 7); \
        AHEAD(2, lines); \
        if (tall) tile_load(5, values + 16 * p->depth, 2 * p->depth); \
        if (tall) tile_multiply(2, 5, 6); \
        AHEAD(3, lines); \
        if (tall && wide) tile_multiply(3, 5, 7); \
        weights = after; \
      } \
    } \
    tile_store(0, c, 4 * lines); \
    if (wide) tile_store(1, c + 16, 4 * lines); \
    if (tall) tile_store(2, c + 16 * lines, 4 * lines); \
    if (tall && wide) tile_store(3, c + 16 * lines + 16, 4 * lines); \
  } while (0)

// 32 rows where there are as many, and a panel of 32 or 16 columns. A and C have room for a multiple of 16
// rows: those beyond are computed and never read. What of B comes next is on its way to the second cache
// meanwhile, an equal share each step.
static void tile_product(
  const kernel_products *p, const unsigned short *a, const unsigned short *b, float *c
) {
  const long width = p->width, blocks = (p->rows + 31) / 32, share = (width + blocks - 1) / blocks;
  const long size = p->terms * p->depth * width;
  const unsigned short *end = b + size, *next = end;
  const unsigned short *last = end + size < p->b_end ? end + size : p->b_end;
  for (long row = 0; row < p->rows; row += 32, a += 32 * p->depth, c += 32 * width) {
    const int tall = p->rows - row > 16;
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
