// By AMX, where the processor has it and the system lets programs use it.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push( \
  __attribute__((target( \
    "avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16"))), \
  apply_to = function)
#define LANES 16
#define FUSES 1
#define NATIVE_BF16 1
#include "registers.h"

// Eight tiles of 16 rows of 64 bytes.
FUNCTION void tile_configure(void) {
  struct {
    unsigned char palette, start, reserved[14];
    unsigned short bytes[16];
    unsigned char rows[16];
  } shape = {.palette = 1};
  for (int n = 0; n < 8; n++) {
    shape.bytes[n] = 64;
    shape.rows[n] = 16;
  }
  _tile_loadconfig(&shape);
}

#define tile_zero(n) _tile_zero(n)
#define tile_load(n, base, row) _tile_loadd(n, base, row)
#define tile_fetch(line) _mm_prefetch((const char *)(line), _MM_HINT_T1)
#define tile_prefetch(line) _mm_prefetch((const char *)(line), _MM_HINT_T0)
#define tile_multiply(c, a, b) _tile_dpbf16ps(c, a, b)
#define tile_store(n, base, row) _tile_stored(n, base, row)
#define tile_finish() _tile_release()
#include "amx.h"

#include "narrow.h"

const kernel_bf16 kernels_amx_bf16 = {
  .input2 = narrow_input2,
  .input4 = narrow_input4,
  .line = narrow_line,
  .rows = narrow_rows,
  .pack = pack,
  .products = tile_products,
};
#pragma clang attribute pop
#endif
