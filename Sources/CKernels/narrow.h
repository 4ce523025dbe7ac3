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
