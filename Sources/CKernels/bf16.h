// Products in bfloat16, summed in Float32: the TABLE_BF16 of the file that includes this, whose registers
// have LANES floats. The sums of one row depend on it alone.

#include "registers.h"
#include "narrow.h"
#include "panels.h"

// Rows and columns, of two or one registers, kept in registers.
FUNCTION void sum_pairs(
  const int rows, const int registers, const kernel_products *p, const unsigned short *a,
  const unsigned short *b, float *c
) {
  const long width = p->width;
  lanes sums[8][2];
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int v = 0; v < registers; v++) sums[r][v] = (lanes)0.0f;
  for (long term = 0; term < p->terms; term++, a += p->a_term)
    for (long i = 0; i < p->depth; i += 2, b += 2 * width) {
      bits pairs[2];
      UNROLLED for (int v = 0; v < registers; v++)
        __builtin_memcpy(&pairs[v], b + 2 * v * LANES, sizeof pairs[v]);
      UNROLLED for (int r = 0; r < rows; r++) {
        unsigned x;
        __builtin_memcpy(&x, a + r * p->depth + i, sizeof x);
#if NATIVE_BF16
        UNROLLED for (int v = 0; v < registers; v++)
          sums[r][v] = (lanes)_mm512_dpbf16_ps(
            (__m512)sums[r][v], (__m512bh)(bits)x, (__m512bh)pairs[v]);
#else
        const lanes even = (lanes)((bits)x << 16), odd = (lanes)((bits)x & 0xffff0000u);
        UNROLLED for (int v = 0; v < registers; v++) {
          sums[r][v] = plus(sums[r][v], even, (lanes)(pairs[v] << 16));
          sums[r][v] = plus(sums[r][v], odd, (lanes)(pairs[v] & 0xffff0000u));
        }
#endif
      }
    }
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int v = 0; v < registers; v++) store(sums[r][v], c + r * width + v * LANES);
}

#define SUM_PAIRS(rows, registers) \
  static __attribute__((noinline)) void pairs_##rows##_##registers( \
    const kernel_products *p, const unsigned short *a, const unsigned short *b, float *c \
  ) { \
    sum_pairs(rows, registers, p, a, b, c); \
  }
SUM_PAIRS(8, 2)
SUM_PAIRS(7, 2)
SUM_PAIRS(1, 2)
SUM_PAIRS(8, 1)
SUM_PAIRS(7, 1)
SUM_PAIRS(1, 1)
#undef SUM_PAIRS

static void multiply_rows(
  const kernel_products *p, const unsigned short *a, const unsigned short *b, float *c
) {
  const long rows = p->rows, width = p->width;
  long sevens = -rows & 7;
  if (rows < 7 * sevens) sevens = 0;
  const long eights = (rows - 7 * sevens) / 8 * 8;
  for (long column = 0; column < width;) {
    const int is_wide = width - column >= 2 * LANES;
    for (long row = 0, taken; row < rows; row += taken) {
#define TAKE(n) \
  taken = n, (is_wide ? pairs_##n##_2 : pairs_##n##_1)( \
    p, a + row * p->depth, b + 2 * column, c + row * width + column)
      if (row < eights) TAKE(8);
      else if (row < eights + 7 * sevens) TAKE(7);
      else TAKE(1);
#undef TAKE
    }
    column += is_wide ? 2 * LANES : LANES;
  }
}

static void products(const kernel_products *p) { multiply_positions(p, multiply_rows); }

const kernel_bf16 TABLE_BF16 = {
  .input2 = narrow_input2,
  .input4 = narrow_input4,
  .line = narrow_line,
  .rows = narrow_rows,
  .pack = pack,
  .products = products,
};
