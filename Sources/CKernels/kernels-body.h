// The kernels for one instruction set, which the file that includes this says: so many REGISTERS of LANES
// floats, fused sums where FUSES is 1, the name of the TABLE.

#include "tables.h"

// Sums and products are rounded as they are written; fused ones are asked for.
#pragma STDC FP_CONTRACT OFF

#define FUNCTION static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float lanes __attribute__((ext_vector_type(LANES)));
typedef unsigned bits __attribute__((ext_vector_type(LANES)));

// Registers.

FUNCTION lanes load(const float *p) {
  lanes v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

FUNCTION void store(lanes v, float *p) { __builtin_memcpy(p, &v, sizeof v); }

// c + a b, fused where the instruction set has it.
FUNCTION lanes plus(lanes c, lanes a, lanes b) {
#if FUSES
  return __builtin_elementwise_fma(a, b, c);
#else
  return c + a * b;
#endif
}

// x, or `other` where the mask is all ones.
FUNCTION lanes choose(bits mask, lanes other, lanes x) {
  return (lanes)((mask & (bits)other) | (~mask & (bits)x));
}

FUNCTION float total(lanes v) {
  float sum = v[0];
  for (int i = 1; i < LANES; i++) sum += v[i];
  return sum;
}

// e to the x, relative error below 2e-7 on [-87, 88]; arguments outside are clamped, NaN passes through.
//
// Source: Cody-Waite reduction x = n ln 2 + r, |r| <= ln 2 / 2, and the degree-7 minimax polynomial of
// e to the r (coefficients of Cephes' expf).
FUNCTION lanes exponential(lanes x) {
  const lanes least = (lanes)-87.0f, most = (lanes)88.0f;
  lanes clamped = choose((bits)(x < least), least, x);
  clamped = choose((bits)(x > most), most, clamped);
  // Adding 1.5 * 2^23 leaves the rounded integer in the low bits of the sum.
  const lanes magic = (lanes)12582912.0f;
  lanes shifted = plus(magic, clamped, (lanes)1.44269504f);
  lanes n = shifted - magic;
  lanes r = plus(clamped, n, (lanes)-0.693359375f);
  r = plus(r, n, (lanes)2.1219444e-4f);
  // Estrin's order, a shorter chain than Horner's: a loop's speed is that of its chains.
  lanes square = r * r;
  lanes high = plus((lanes)1.39819995e-3f, (lanes)1.98756915e-4f, r);
  lanes middle = plus((lanes)4.1665796e-2f, (lanes)8.3334519e-3f, r);
  lanes low = plus((lanes)5.0000001e-1f, (lanes)1.66666655e-1f, r);
  lanes p = plus(low, plus(middle, high, square), square);
  p = plus(r + (lanes)1.0f, p, square);
  // Adds n to the exponent bits.
  return (lanes)((bits)p + ((bits)shifted << 23));
}

// 1/(1 + e to the -x), relative error below 5e-7 for x >= -80; below, at most the value at -80.
FUNCTION lanes sigmoid(lanes x) {
  return (lanes)1.0f / ((lanes)1.0f + exponential((lanes)0.0f - x));
}

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

// Winograd's transforms in one dimension, on m + 2 registers; source: Lavin & Gray 2016 (arXiv
// 1509.09308). F(2, 3), points 0, 1, -1, infinity.

FUNCTION void input2(const lanes d[4], lanes t[4]) {
  t[0] = d[2] - d[0];
  t[1] = d[2] + d[1];
  t[2] = d[2] - d[1];
  t[3] = d[3] - d[1];
}

FUNCTION void output2(const lanes t[4], lanes y[2]) {
  y[0] = t[0] + (t[1] + t[2]);
  y[1] = t[3] + (t[1] - t[2]);
}

FUNCTION void cotangent2(const lanes y[2], lanes t[4]) {
  t[0] = y[0];
  t[1] = y[0] + y[1];
  t[2] = y[0] - y[1];
  t[3] = y[1];
}

// F(4, 3), points 0, a, -a, b, -b, infinity with a = 5/8 and b = 3/2, whose matrices are exact.
#define POINT_A 0.625f
#define POINT_B 1.5f
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

FUNCTION void input4(const lanes d[6], lanes t[6]) {
  const lanes a = (lanes)POINT_A, b = (lanes)POINT_B;
  const lanes minus_p = (lanes)-SQUARE_A, minus_q = (lanes)-SQUARE_B;
  const lanes product = (lanes)(SQUARE_A * SQUARE_B), minus_sum = (lanes)(-SQUARE_A - SQUARE_B);
  lanes even_a = plus(d[4], minus_q, d[2]), odd_a = a * plus(d[3], minus_q, d[1]);
  lanes even_b = plus(d[4], minus_p, d[2]), odd_b = b * plus(d[3], minus_p, d[1]);
  t[0] = plus(plus(d[4], minus_sum, d[2]), product, d[0]);
  t[1] = even_a + odd_a;
  t[2] = even_a - odd_a;
  t[3] = even_b + odd_b;
  t[4] = even_b - odd_b;
  t[5] = plus(plus(d[5], minus_sum, d[3]), product, d[1]);
}

FUNCTION void output4(const lanes t[6], lanes y[4]) {
  const lanes a = (lanes)POINT_A, b = (lanes)POINT_B;
  const lanes p = (lanes)SQUARE_A, q = (lanes)SQUARE_B;
  const lanes cube_a = (lanes)(POINT_A * SQUARE_A), cube_b = (lanes)(POINT_B * SQUARE_B);
  lanes sum_a = t[1] + t[2], difference_a = t[1] - t[2];
  lanes sum_b = t[3] + t[4], difference_b = t[3] - t[4];
  y[0] = t[0] + sum_a + sum_b;
  y[1] = plus(a * difference_a, b, difference_b);
  y[2] = plus(p * sum_a, q, sum_b);
  y[3] = plus(plus(t[5], cube_a, difference_a), cube_b, difference_b);
}

FUNCTION void cotangent4(const lanes y[4], lanes t[6]) {
  const lanes a = (lanes)POINT_A, b = (lanes)POINT_B;
  const lanes p = (lanes)SQUARE_A, q = (lanes)SQUARE_B;
  const lanes cube_a = (lanes)(POINT_A * SQUARE_A), cube_b = (lanes)(POINT_B * SQUARE_B);
  lanes even_a = plus(y[0], p, y[2]), odd_a = plus(a * y[1], cube_a, y[3]);
  lanes even_b = plus(y[0], q, y[2]), odd_b = plus(b * y[1], cube_b, y[3]);
  t[0] = y[0];
  t[1] = even_a + odd_a;
  t[2] = even_a - odd_a;
  t[3] = even_b + odd_b;
  t[4] = even_b - odd_b;
  t[5] = y[3];
}

// The same in two dimensions, for m outputs a side: columns, then rows.

// Where a tile lies, and how many of its outputs a side the tiles before it have.
typedef struct {
  long image, row, column;
  long skipped_rows, skipped_columns;
} place;

FUNCTION place place_of(const int m, kernel_map map, kernel_tiles tiles, long index) {
  const long all = tiles.rows * tiles.columns, tile = (tiles.first + index) % all;
  const long row = tile / tiles.columns * m, column = tile % tiles.columns * m;
  const long last_row = map.height - m, last_column = map.width - m;
  place p = {
    (tiles.first + index) / all, row < last_row ? row : last_row,
    column < last_column ? column : last_column, 0, 0};
  p.skipped_rows = row - p.row;
  p.skipped_columns = column - p.column;
  return p;
}

FUNCTION float *pixel(kernel_map map, place p, long row, long column) {
  return map.first + p.image * map.image + (p.row + row) * map.row + (p.column + column) * map.stride;
}

FUNCTION void tile_input(const int m, kernel_map x, kernel_tiles tiles, float *t, long position) {
  const int span = m + 2;
  lanes columns[6][6], line[6], out[6];
  for (long index = 0; index < tiles.count; index++, t += x.stride) {
    const float *corner = pixel(x, place_of(m, x, tiles, index), -1, -1);
    for (long c = 0; c < x.stride; c += LANES) {
      UNROLLED for (int j = 0; j < span; j++) {
        UNROLLED for (int i = 0; i < span; i++) line[i] = load(corner + c + i * x.row + j * x.stride);
        if (m == 2) input2(line, out);
        else input4(line, out);
        UNROLLED for (int i = 0; i < span; i++) columns[i][j] = out[i];
      }
      UNROLLED for (int i = 0; i < span; i++) {
        if (m == 2) input2(columns[i], out);
        else input4(columns[i], out);
        UNROLLED for (int j = 0; j < span; j++) store(out[j], t + c + (i * span + j) * position);
      }
    }
  }
}

FUNCTION void tile_output(
  const int m, const float *t, long position, kernel_map y, kernel_tiles tiles, const float *start,
  long start_step, kernel_map addend, float scale
) {
  const int span = m + 2;
  lanes columns[4][6], line[6], out[4];
  for (long index = 0; index < tiles.count; index++, t += y.stride) {
    const place p = place_of(m, y, tiles, index);
    float *corner = pixel(y, p, 0, 0);
    const float *added = addend.first ? pixel(addend, p, 0, 0) : 0;
    const float *starts = start ? start + p.image * start_step : 0;
    for (long c = 0; c < y.stride; c += LANES) {
      UNROLLED for (int j = 0; j < span; j++) {
        UNROLLED for (int i = 0; i < span; i++) line[i] = load(t + c + (i * span + j) * position);
        if (m == 2) output2(line, out);
        else output4(line, out);
        UNROLLED for (int i = 0; i < m; i++) columns[i][j] = out[i];
      }
      const lanes bias = starts ? load(starts + c) : (lanes)0.0f;
      UNROLLED for (int i = 0; i < m; i++) {
        if (i < p.skipped_rows) continue;
        if (m == 2) output2(columns[i], out);
        else output4(columns[i], out);
        UNROLLED for (int j = 0; j < m; j++) {
          if (j < p.skipped_columns) continue;
          lanes value = out[j] + bias;
          if (added) value += load(added + c + i * addend.row + j * addend.stride);
          store(value * (lanes)scale, corner + c + i * y.row + j * y.stride);
        }
      }
    }
  }
}

FUNCTION void tile_cotangent(const int m, kernel_map dy, kernel_tiles tiles, float *t, long position) {
  const int span = m + 2;
  lanes columns[6][4], line[4], out[6];
  for (long index = 0; index < tiles.count; index++, t += dy.stride) {
    const place p = place_of(m, dy, tiles, index);
    const float *corner = pixel(dy, p, 0, 0);
    for (long c = 0; c < dy.stride; c += LANES) {
      UNROLLED for (int j = 0; j < m; j++) {
        UNROLLED for (int i = 0; i < m; i++)
          line[i] = i >= p.skipped_rows && j >= p.skipped_columns
            ? load(corner + c + i * dy.row + j * dy.stride) : (lanes)0.0f;
        if (m == 2) cotangent2(line, out);
        else cotangent4(line, out);
        UNROLLED for (int i = 0; i < span; i++) columns[i][j] = out[i];
      }
      UNROLLED for (int i = 0; i < span; i++) {
        if (m == 2) cotangent2(columns[i], out);
        else cotangent4(columns[i], out);
        UNROLLED for (int j = 0; j < span; j++) store(out[j], t + c + (i * span + j) * position);
      }
    }
  }
}

#define WINOGRAD(m) \
  static void tile_input##m(kernel_map x, kernel_tiles tiles, float *t, long position) { \
    tile_input(m, x, tiles, t, position); \
  } \
  static void tile_output##m( \
    const float *t, long position, kernel_map y, kernel_tiles tiles, const float *start, \
    long start_step, kernel_map addend, float scale \
  ) { \
    tile_output(m, t, position, y, tiles, start, start_step, addend, scale); \
  } \
  static void tile_cotangent##m(kernel_map dy, kernel_tiles tiles, float *t, long position) { \
    tile_cotangent(m, dy, tiles, t, position); \
  }
WINOGRAD(2)
WINOGRAD(4)
#undef WINOGRAD

// Sums over pixels.

// Two accumulators, to keep the additions independent.
static void channel_sums(kernel_map x, const float *mean, float *sums) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    const lanes center = mean ? load(mean + c) : (lanes)0.0f;
#define TERM(i) \
  ({ \
    lanes v = load(line + (i) * x.stride); \
    mean ? (v - center) * (v - center) : v; \
  })
    for (long y = 0; y < x.height; y++) {
      const float *line = x.first + y * x.row + c;
      long i = 0;
      for (; i + 1 < x.width; i += 2) {
        even += TERM(i);
        odd += TERM(i + 1);
      }
      if (i < x.width) even += TERM(i);
    }
#undef TERM
    store(even + odd, sums + c);
  }
}

static void add_channel_sums(kernel_map x, float *sums) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes added = (lanes)0.0f;
    for (long image = 0; image < x.images; image++)
      for (long y = 0; y < x.height; y++) {
        const float *line = x.first + image * x.image + y * x.row + c;
        for (long i = 0; i < x.width; i++) added += load(line + i * x.stride);
      }
    store(load(sums + c) + added, sums + c);
  }
}

// Functions of one register, resampled.

// What `resample` applies: v factor, v factor + offset, or SiLU of that.
FUNCTION lanes transform(const int kind, lanes v, lanes factor, lanes offset) {
  if (kind == 0) return v * factor;
  lanes z = plus(offset, v, factor);
  return kind == 1 ? z : z * sigmoid(z);
}

// One register of channels of one image, from x, of the size of y, half or twice it.
FUNCTION void resample(
  const int kind, kernel_map x, kernel_map y, const float *from, float *to,
  lanes factor, lanes offset
) {
#define VALUE(p) transform(kind, load(p), factor, offset)
  const long left = x.stride, right = y.stride;
  if (x.width == y.width) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++)
        store(VALUE(from + row * x.row + i * left), to + row * y.row + i * right);
  } else if (x.width < y.width) {
    const int lines = x.height == y.height ? 1 : 2;
    for (long row = 0; row < x.height; row++)
      for (long i = 0; i < x.width; i++) {
        lanes value = VALUE(from + row * x.row + i * left);
        for (int line = 0; line < lines; line++) {
          float *target = to + (lines * row + line) * y.row + 2 * i * right;
          store(value, target);
          store(value, target + right);
        }
      }
  } else if (x.height == y.height) {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *source = from + row * x.row + 2 * i * left;
        store((VALUE(source) + VALUE(source + left)) * (lanes)0.5f, to + row * y.row + i * right);
      }
  } else {
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *upper = from + 2 * row * x.row + 2 * i * left, *lower = upper + x.row;
        lanes top = VALUE(upper) + VALUE(upper + left);
        lanes bottom = VALUE(lower) + VALUE(lower + left);
        store((top + bottom) * (lanes)0.25f, to + row * y.row + i * right);
      }
  }
#undef VALUE
}

static void scale_map(kernel_map x, kernel_map y, float factor) {
  for (long image = 0; image < x.images; image++)
    for (long c = 0; c < x.stride; c += LANES)
      resample(
        0, x, y, x.first + image * x.image + c, y.first + image * y.image + c, (lanes)factor,
        (lanes)0.0f);
}

static void normalize(kernel_map x, kernel_map y, kernel_norm norm) {
  for (long c = 0; c < x.stride; c += LANES) {
    lanes factor = load(norm.gamma + c) * load(norm.inverse_deviation + c);
    lanes offset = load(norm.beta + c) - load(norm.mean + c) * factor;
    if (norm.activates) resample(2, x, y, x.first + c, y.first + c, factor, offset);
    else resample(1, x, y, x.first + c, y.first + c, factor, offset);
  }
}

static void normalize_gradient(
  kernel_map x, kernel_map dy, kernel_norm norm, float *sum, float *product
) {
  const lanes one = (lanes)1.0f;
  for (long c = 0; c < x.stride; c += LANES) {
    const lanes mean = load(norm.mean + c), r = load(norm.inverse_deviation + c);
    const lanes gamma = load(norm.gamma + c), beta = load(norm.beta + c);
    lanes sums = (lanes)0.0f, moment = (lanes)0.0f;
    for (long y = 0; y < x.height; y++) {
      const float *source = x.first + y * x.row + c;
      float *gradient = dy.first + y * dy.row + c;
      for (long i = 0; i < x.width; i++) {
        lanes normalized = (load(source + i * x.stride) - mean) * r;
        lanes dz = load(gradient + i * dy.stride);
        if (norm.activates) {
          lanes z = plus(beta, gamma, normalized);
          lanes s = sigmoid(z);
          dz *= s * (one + z * (one - s));
          store(dz, gradient + i * dy.stride);
        }
        sums += dz;
        moment = plus(moment, dz, normalized);
      }
    }
    store(sums, sum + c);
    store(moment, product + c);
  }
}

static void normalize_input_gradient(
  kernel_map x, kernel_map dz, kernel_map addend, kernel_map dx,
  kernel_norm norm, const float *slope, const float *constant
) {
  for (long c = 0; c < x.stride; c += LANES) {
    const lanes factor = load(norm.gamma + c) * load(norm.inverse_deviation + c);
    const lanes a = load(slope + c), b = load(constant + c);
    for (long y = 0; y < x.height; y++)
      for (long i = 0; i < x.width; i++) {
        const long at = c + i * x.stride;
        lanes value = plus(b, load(x.first + y * x.row + at), a);
        value = plus(value, load(dz.first + y * dz.row + at), factor);
        if (addend.first) value += load(addend.first + y * addend.row + at);
        store(value, dx.first + y * dx.row + at);
      }
  }
}

// Register by register.

// Whole registers, then what is left: rows of channels are too short for memcpy.
FUNCTION void copy_or_add(const int adds, kernel_map x, kernel_map y, long channels, long zeros) {
  const long whole = channels / LANES * LANES;
  for (long image = 0; image < y.images; image++)
    for (long row = 0; row < y.height; row++)
      for (long i = 0; i < y.width; i++) {
        const float *source = x.first + image * x.image + row * x.row + i * x.stride;
        float *target = y.first + image * y.image + row * y.row + i * y.stride;
        for (long c = 0; c < whole; c += LANES)
          store(adds ? load(target + c) + load(source + c) : load(source + c), target + c);
        for (long c = whole; c < channels; c++) target[c] = adds ? target[c] + source[c] : source[c];
        for (long c = channels; c < channels + zeros; c++) target[c] = 0;
      }
}

static void copy_map(kernel_map x, kernel_map y, long channels, long zeros) {
  copy_or_add(0, x, y, channels, zeros);
}

static void add_map(kernel_map x, kernel_map y, long channels) { copy_or_add(1, x, y, channels, 0); }

static void add_to_channels(kernel_map x, const float *shift, kernel_map y) {
  for (long row = 0; row < y.height; row++)
    for (long i = 0; i < y.width; i++)
      for (long c = 0; c < x.stride; c += LANES)
        store(
          load(x.first + row * x.row + i * x.stride + c) + load(shift + c),
          y.first + row * y.row + i * y.stride + c);
}

static void softmax(float *row, long count) {
  const long whole = count / LANES * LANES;
  float largest = -__builtin_inff();
  for (long i = 0; i < count; i++) largest = row[i] > largest ? row[i] : largest;
  lanes sums = (lanes)0.0f;
  for (long i = 0; i < whole; i += LANES) {
    lanes value = exponential(load(row + i) - (lanes)largest);
    store(value, row + i);
    sums += value;
  }
  float sum = total(sums);
  for (long i = whole; i < count; i++) {
    row[i] = exponential((lanes)(row[i] - largest))[0];
    sum += row[i];
  }
  const float factor = 1 / sum;
  for (long i = 0; i < count; i++) row[i] *= factor;
}

// Rows of bytes or floats.

typedef unsigned char bytes __attribute__((ext_vector_type(LANES)));

FUNCTION lanes greys(const int are_bytes, const void *rows, long offset) {
  if (!are_bytes) return load((const float *)rows + offset);
  bytes v;
  __builtin_memcpy(&v, (const unsigned char *)rows + offset, sizeof v);
  return __builtin_convertvector(v, lanes);
}

FUNCTION void distances_of(
  const int are_bytes, const void *rows, long count, long stride, const float *query, float *distances
) {
  for (long i = 0; i < count; i++) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    long c = 0;
    for (; c + 2 * LANES <= stride; c += 2 * LANES) {
      lanes x = load(query + c) - greys(are_bytes, rows, i * stride + c);
      lanes y = load(query + c + LANES) - greys(are_bytes, rows, i * stride + c + LANES);
      even = plus(even, x, x);
      odd = plus(odd, y, y);
    }
    if (c < stride) {
      lanes x = load(query + c) - greys(are_bytes, rows, i * stride + c);
      even = plus(even, x, x);
    }
    distances[i] = total(even + odd);
  }
}

static void squared_distances(
  const void *rows, int are_bytes, long count, long stride, const float *query, float *distances
) {
  if (are_bytes) distances_of(1, rows, count, stride, query, distances);
  else distances_of(0, rows, count, stride, query, distances);
}

FUNCTION void sum_of(
  const int are_bytes, const void *rows, long stride, const long *chosen, const float *weights,
  long count, float *sum
) {
  for (long c = 0; c < stride; c += LANES) {
    lanes even = (lanes)0.0f, odd = (lanes)0.0f;
    long i = 0;
    for (; i + 1 < count; i += 2) {
      even = plus(even, (lanes)weights[i], greys(are_bytes, rows, chosen[i] * stride + c));
      odd = plus(odd, (lanes)weights[i + 1], greys(are_bytes, rows, chosen[i + 1] * stride + c));
    }
    if (i < count) even = plus(even, (lanes)weights[i], greys(are_bytes, rows, chosen[i] * stride + c));
    store(even + odd, sum + c);
  }
}

static void weighted_sum(
  const void *rows, int are_bytes, long stride, const long *chosen, const float *weights, long count,
  float *sum
) {
  if (are_bytes) sum_of(1, rows, stride, chosen, weights, count, sum);
  else sum_of(0, rows, stride, chosen, weights, count, sum);
}

static float inner_product(
  const void *rows, int are_bytes, long stride, long chosen, const float *v
) {
  lanes sum = (lanes)0.0f;
  for (long c = 0; c < stride; c += LANES)
    sum = plus(sum, load(v + c), greys(are_bytes, rows, chosen * stride + c));
  return total(sum);
}

const kernel_table TABLE = {
  .lanes = LANES,
  .contract = contract,
  .winograd2 = {tile_input2, tile_output2, tile_cotangent2},
  .winograd4 = {tile_input4, tile_output4, tile_cotangent4},
  .channel_sums = channel_sums,
  .add_channel_sums = add_channel_sums,
  .scale = scale_map,
  .normalize = normalize,
  .normalize_gradient = normalize_gradient,
  .normalize_input_gradient = normalize_input_gradient,
  .copy = copy_map,
  .add = add_map,
  .add_to_channels = add_to_channels,
  .softmax = softmax,
  .squared_distances = squared_distances,
  .weighted_sum = weighted_sum,
  .inner_product = inner_product,
};
