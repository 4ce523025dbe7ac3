// The tables of the instruction sets that this build has.
#ifndef ELBOW_TABLES_H
#define ELBOW_TABLES_H

#include "include/kernels.h"

extern const kernel_table kernels_baseline_table, kernels_avx2_table, kernels_avx512_table;
extern const kernel_bf16 kernels_plain_bf16, kernels_avx512_bf16, kernels_amx_bf16;

#endif
