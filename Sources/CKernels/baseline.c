// What any processor of this kind has: SSE2 of x86-64, NEON of arm64.
#define LANES 4
#if defined(__aarch64__)
#define FUSES 1
#define REGISTERS 32
#else
#define FUSES 0
#define REGISTERS 16
#endif
#define TABLE kernels_baseline_table
#include "body.h"
