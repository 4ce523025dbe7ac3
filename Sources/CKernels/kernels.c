#include "tables.h"

#if defined(__x86_64__)
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
    && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
    && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
    && __builtin_cpu_supports("avx512vl");
}
#endif

const kernel_table *kernels_of(kernel_set set) {
#if defined(__x86_64__)
  if (set == kernels_avx2) return has_avx2() ? &kernels_avx2_table : 0;
  if (set == kernels_avx512) return has_avx512() ? &kernels_avx512_table : 0;
#endif
  return set == kernels_baseline ? &kernels_baseline_table : 0;
}

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

// Linux wants to be asked for the state of tiles, once a process.
static int may_use_tiles(void) {
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

const kernel_bf16 *kernels_bf16_of(kernel_bf16_set set) {
#if defined(__x86_64__)
  if (set == kernels_bf16_avx512)
    return has_avx512() && __builtin_cpu_supports("avx512bf16") ? &kernels_avx512_bf16 : 0;
#if defined(__linux__)
  if (set == kernels_bf16_amx)
    return has_avx512() && __builtin_cpu_supports("avx512bf16")
        && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16")
        && may_use_tiles()
      ? &kernels_amx_bf16 : 0;
#endif
#endif
  return set == kernels_bf16_plain ? &kernels_plain_bf16 : 0;
}
