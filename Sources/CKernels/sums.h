// Rows of sums of products, kept in registers.

FUNCTION void sum_rows(
  const int rows, const int registers, const kernel_sums *k, const float *a, const float *b,
  const float *start, float *c, const float *addend, const kernel_output *out
) {
  lanes sums[8][2];
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int v = 0; v < registers; v++)
      sums[r][v] = start ? load(start + v * LANES) : (lanes)0.0f;
  const long run = k->run, row = k->a_row, a_step = k->a_step, b_step = k->b_step;
  for (long s = 0; s < k->segments; s++) {
    const float *p = a + s * k->a_segment, *q = b + s * k->b_segment;
    for (long i = 0; i < run; i++, p += a_step, q += b_step) {
      lanes b0 = load(q), b1 = registers > 1 ? load(q + LANES) : b0;
      UNROLLED for (int r = 0; r < rows; r++) {
        lanes x = (lanes)p[r * row];
        sums[r][0] = plus(sums[r][0], x, b0);
        if (registers > 1) sums[r][1] = plus(sums[r][1], x, b1);
      }
    }
  }
  const lanes scale = (lanes)out->scale;
  UNROLLED for (int v = 0; v < registers; v++)
    UNROLLED for (int r = 0; r < rows; r++) {
      lanes value = sums[r][v];
      if (addend) value += load(addend + r * out->addend_row + v * LANES);
      store(value * scale, c + r * out->c_row + v * LANES);
    }
}

// As many rows of two registers as leave some for what they are multiplied with.
#define MOST (REGISTERS == 32 ? 8 : 6)

#define SUM_ROWS(name, rows, registers) \
  static __attribute__((noinline)) void name##_##registers( \
    const kernel_sums *k, const float *a, const float *b, const float *start, float *c, \
    const float *addend, const kernel_output *out \
  ) { \
    sum_rows(rows, registers, k, a, b, start, c, addend, out); \
  }
SUM_ROWS(sum_most, MOST, 2)
SUM_ROWS(sum_fewer, MOST - 1, 2)
SUM_ROWS(sum_four, 4, 2)
SUM_ROWS(sum_one, 1, 2)
SUM_ROWS(sum_most, MOST, 1)
SUM_ROWS(sum_fewer, MOST - 1, 1)
SUM_ROWS(sum_four, 4, 1)
SUM_ROWS(sum_one, 1, 1)
#undef SUM_ROWS

static void contract(
  const kernel_sums *k, long width, const float *a, const float *b, const float *start,
  const kernel_output *out
) {
  const int is_wide = width == 2 * LANES;
  const long rows = k->rows;
  // rows = m n + (m - 1) f has the solutions f = -rows mod m, + m, ...: those leave no single rows.
  long fewer = (MOST - rows % MOST) % MOST;
  if (rows < (MOST - 1) * fewer) fewer = 0;
  const long most = (rows - (MOST - 1) * fewer) / MOST * MOST;
  const long both = most + (MOST - 1) * fewer;
  for (long line = 0; line < k->lines; line++) {
    const float *p = a + line * k->a_line;
    const float *addend = out->addend ? out->addend + line * out->addend_line : 0;
    float *c = out->c + line * out->c_line;
    for (long row = 0, taken; row < rows; row += taken) {
#define TAKE(name, count) \
  taken = count, (is_wide ? name##_2 : name##_1)(k, p, b, start, c, addend, out)
      if (row < most) TAKE(sum_most, MOST);
      else if (row < both) TAKE(sum_fewer, MOST - 1);
      else if (rows - row >= 4) TAKE(sum_four, 4);
      else TAKE(sum_one, 1);
#undef TAKE
      p += taken * k->a_row;
      c += taken * out->c_row;
      if (addend) addend += taken * out->addend_row;
    }
  }
}

// What the next line writes is on its way to the cache.
static void finish(
  const float *products, long rows, long width, const float *start, const kernel_output *out
) {
  for (long row = 0; row < rows; row++)
    for (long v = 0; v < width; v += LANES) {
      lanes value = load(products + row * width + v);
      if (start) value += load(start + v);
      if (out->addend) value += load(out->addend + row * out->addend_row + v);
      store(value * (lanes)out->scale, out->c + row * out->c_row + v);
      __builtin_prefetch(out->c + row * out->c_row + v + out->c_line, 1, 2);
    }
}
