// Registers of LANES floats; fused sums where FUSES is 1, bfloat16 by the processor where NATIVE_BF16 is.

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

typedef unsigned short halves __attribute__((ext_vector_type(LANES)));

// Rounded to bfloat16, to nearest, ties to even; natively what is below 2^-126 becomes zero.
FUNCTION halves narrow(lanes v) {
#if NATIVE_BF16
  return (halves)_mm512_cvtneps_pbh((__m512)v);
#else
  bits b = (bits)v;
  const bits is_nan = (bits)(v != v);
  bits rounded = b + 0x7fffu + ((b >> 16) & 1u);
  rounded = (rounded & ~is_nan) | ((b | 0x400000u) & is_nan);
  return __builtin_convertvector(rounded >> 16, halves);
#endif
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
