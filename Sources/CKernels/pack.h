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
