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
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

// AMX-TILE and AMX-BF16; and Linux wants to be asked for the state of tiles, once a process.
static int has_tiles(void) {
  enum { bf16 = 1 << 22, tile = 1 << 24, request_permission = 0x1023, tile_data = 18 };
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & bf16) && (d & tile)
    && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

const kernel_bf16 *kernels_bf16_of(kernel_bf16_set set) {
#if defined(__x86_64__)
  if (set == kernels_bf16_avx512)
    return has_avx512() && __builtin_cpu_supports("avx512bf16") ? &kernels_avx512_bf16 : 0;
#if defined(__linux__)
  if (set == kernels_bf16_amx)
    return has_avx512() && __builtin_cpu_supports("avx512bf16") && has_tiles()
      ? &kernels_amx_bf16 : 0;
#endif
#endif
  return set == kernels_bf16_plain ? &kernels_plain_bf16 : 0;
}
