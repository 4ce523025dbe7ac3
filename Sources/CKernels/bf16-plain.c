// On any processor: what the others must agree with.
#define LANES 4
#if defined(__aarch64__)
#define FUSES 1
#else
#define FUSES 0
#endif
#define TABLE_BF16 kernels_plain_bf16
#include "bf16.h"
