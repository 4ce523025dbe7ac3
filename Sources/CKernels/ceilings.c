#include "include/kernels.h"

// Twelve vectors of `lanes` numbers, as many as hide the latency of two multiply-adds a cycle.
#define CHAINS 12
#define FMA(name, lanes, attribute)                                                     \
  attribute static double name(long rounds, float *sink) {                              \
    typedef float vector __attribute__((vector_size(4 * lanes)));                       \
    vector sums[CHAINS], factor, term;                                                  \
    for (int i = 0; i < lanes; i++) factor[i] = 0.999f, term[i] = 0.001f;               \
    for (int k = 0; k < CHAINS; k++) sums[k] = term * (float)(k + 1);                   \
    for (long round = 0; round < rounds; round++) {                                     \
      _Pragma("clang loop unroll(full)") for (int k = 0; k < CHAINS; k++)               \
        sums[k] = sums[k] * factor + term;                                              \
    }                                                                                   \
    for (int k = 1; k < CHAINS; k++) sums[0] += sums[k];                                \
    for (int i = 0; i < lanes; i++) *sink += sums[0][i];                                \
    return 2.0 * CHAINS * lanes * (double)rounds;                                       \
  }

#if defined(__x86_64__)
FMA(fma_512, 16, __attribute__((target("avx512f,fma"))))
FMA(fma_256, 8, __attribute__((target("avx2,fma"))))
#endif
FMA(fma_plain, 4, )

double elbow_ceiling_fma(long rounds, float *sink) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return fma_512(rounds, sink);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return fma_256(rounds, sink);
#endif
  return fma_plain(rounds, sink);
}

void elbow_ceiling_triad(float *a, const float *b, const float *c, float s, long count) {
  for (long i = 0; i < count; i++) a[i] = b[i] + s * c[i];
}
