// What this processor, and the system on it, can do, asked of the processor itself.
#ifndef ELBOW_CPROCESSOR_H
#define ELBOW_CPROCESSOR_H

static inline int processor_has_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
    && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
  return 1;
#endif
}

static inline int processor_has_avx512(void) {
#if defined(__x86_64__)
  return processor_has_avx2() && __builtin_cpu_supports("avx512f")
    && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")
    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return 1;
#endif
}

#endif
