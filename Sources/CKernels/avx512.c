#if defined(__x86_64__)
#pragma clang attribute push( \
  __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"))), \
  apply_to = function)
#define REGISTERS 32
#define LANES 16
#define FUSES 1
#define TABLE kernels_avx512_table
#include "body.h"
#pragma clang attribute pop
#endif
