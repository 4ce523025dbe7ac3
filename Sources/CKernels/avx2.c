#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#define REGISTERS 16
#define LANES 8
#define FUSES 1
#define TABLE kernels_avx2_table
#include "body.h"
#pragma clang attribute pop
#endif
