#include "tables.h"

const kernel_table *kernels_of(kernel_set set) {
#if defined(__x86_64__)
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
    && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
    && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
    && __builtin_cpu_supports("avx512vl");
  if (set == kernels_avx2) return avx2 ? &kernels_avx2_table : 0;
  if (set == kernels_avx512) return avx512 ? &kernels_avx512_table : 0;
#endif
  return set == kernels_baseline ? &kernels_baseline_table : 0;
}
