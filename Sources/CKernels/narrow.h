// What makes operands in bfloat16 of floats.

#include "winograd.h"

static void narrow_input2(
  kernel_map x, kernel_tiles tiles, unsigned short *t, long depth, long position
) {
  tile_input(2, 1, x, tiles, t, depth, position);
}

static void narrow_input4(
  kernel_map x, kernel_tiles tiles, unsigned short *t, long depth, long position
) {
  tile_input(4, 1, x, tiles, t, depth, position);
}

static void narrow_line(
  const float *x, long width, long stride, unsigned short *t, long depth, long position
) {
  const halves none = (halves)(unsigned short)0;
  lanes line[6], out[6];
  for (long tile = 0; tile < width; tile += 4, t += depth) {
    const float *corner = x + (tile < width - 4 ? tile : width - 4) * stride;
    for (long c = 0; c < depth; c += LANES) {
      if (c < stride) {
        UNROLLED for (int i = 0; i < 6; i++) line[i] = load(corner + c + i * stride);
        // What the tile after the next asks for.
        UNROLLED for (int i = 0; i < 4; i++) __builtin_prefetch(corner + c + (10 + i) * stride, 0, 2);
        input4(line, out);
      }
      UNROLLED for (int i = 0; i < 6; i++) {
        const halves half = c < stride ? narrow(out[i]) : none;
        __builtin_memcpy(t + c + i * position, &half, sizeof half);
      }
    }
  }
}

static void narrow_rows(const float *x, long rows, long stride, unsigned short *t, long depth) {
  for (; rows > 0; rows--, x += stride, t += depth)
    for (long c = 0; c < depth; c += LANES) {
      const halves half = c < stride ? narrow(load(x + c)) : (halves)(unsigned short)0;
      __builtin_memcpy(t + c, &half, sizeof half);
    }
}

// Rows of floats in pairs of bfloat16.
static void pack(const float *source, long rows, long width, unsigned short *target, long columns) {
  for (long i = 0; i < rows; i += 2, source += 2 * width, target += 2 * columns)
    for (long v = 0; v < width; v += LANES) {
      const halves even = narrow(load(source + v)), odd = narrow(load(source + width + v));
      const bits pair =
        __builtin_convertvector(even, bits) | (__builtin_convertvector(odd, bits) << 16);
      __builtin_memcpy(target + 2 * v, &pair, sizeof pair);
    }
}
