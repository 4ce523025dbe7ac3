// By the processor's own products where it has AVX512-BF16; elsewhere of operands that are widened.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push( \
  __attribute__((target( \
    "avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16"))), \
  apply_to = function)
#define LANES 16
#define FUSES 1
#define NATIVE_BF16 1
#define TABLE_BF16 kernels_avx512_bf16
#include "bf16.h"
#pragma clang attribute pop
#endif
