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

// In floats, `depth` the map's stride; or, where it narrows, in bfloat16, zeros up to `depth`.
FUNCTION void tile_input(
  const int m, const int narrows, kernel_map x, kernel_tiles tiles, void *target, long depth,
  long position
) {
  const int span = m + 2;
  lanes columns[6][6], line[6], out[6];
  for (long index = 0; index < tiles.count; index++) {
    float *t = narrows ? 0 : (float *)target + index * depth;
    unsigned short *narrow_t = narrows ? (unsigned short *)target + index * depth : 0;
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
        UNROLLED for (int j = 0; j < span; j++) {
          const long at = c + (i * span + j) * position;
          if (narrows) {
            halves half = narrow(out[j]);
            __builtin_memcpy(narrow_t + at, &half, sizeof half);
          } else {
            store(out[j], t + at);
          }
        }
      }
    }
    if (narrows) {
      const halves none = (halves)(unsigned short)0;
      for (long c = x.stride; c < depth; c += LANES)
        for (int i = 0; i < span * span; i++)
          __builtin_memcpy(narrow_t + c + i * position, &none, sizeof none);
    }
  }
}

FUNCTION void tile_output(
  const int m, const float *t, long position, long channels, kernel_map y, kernel_tiles tiles,
  const float *start, long start_step, kernel_map addend, float scale
) {
  const int span = m + 2;
  lanes columns[4][6], line[6], out[4];
  for (long index = 0; index < tiles.count; index++, t += channels) {
    const place p = place_of(m, y, tiles, index);
    float *corner = pixel(y, p, 0, 0);
    const float *added = addend.first ? pixel(addend, p, 0, 0) : 0;
    const float *starts = start ? start + p.image * start_step : 0;
    for (long c = 0; c < channels; c += LANES) {
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

// F(4, 3) in one dimension, along a line of pixels. What the next line writes is on its way to the cache.
static void line_output(
  const float *t, long position, long channels, long width, const float *start,
  const kernel_output *output
) {
  lanes line[6], out[4];
  for (long tile = 0; tile < width; tile += 4, t += channels) {
    const long column = tile < width - 4 ? tile : width - 4, skipped = tile - column;
    float *corner = output->c + column * output->c_row;
    const float *added = output->addend ? output->addend + column * output->addend_row : 0;
    for (long c = 0; c < channels; c += LANES) {
      UNROLLED for (int i = 0; i < 6; i++) line[i] = load(t + c + i * position);
      output4(line, out);
      const lanes bias = start ? load(start + c) : (lanes)0.0f;
      UNROLLED for (int j = 0; j < 4; j++) {
        if (j < skipped) continue;
        lanes value = out[j] + bias;
        if (added) {
          value += load(added + c + j * output->addend_row);
          __builtin_prefetch(added + c + j * output->addend_row + output->addend_line, 0, 2);
        }
        store(value * (lanes)output->scale, corner + c + j * output->c_row);
        __builtin_prefetch(corner + c + j * output->c_row + output->c_line, 1, 2);
      }
    }
  }
}
