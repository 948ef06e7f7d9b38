/* kernels/arith/bf16.h — bfloat16: the upper half of a binary32, to which it is rounded (to nearest, ties to even).
 *
 * Only `arithmetic: fast` stores it; docs/gpu.md. */
#ifndef KZ_ARITH_BF16_H
#define KZ_ARITH_BF16_H

#include "kernels/arith/arith.h"

typedef uint16_t kz_bf16;

/* A NaN keeps its sign and becomes quiet: rounding its bits could make infinity of it. */
KZ_FN_BOTH kz_bf16 kz_bf16_of(float x)
{
    uint32_t u = kz_bits_f32(x);
    uint32_t rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16, quiet = u >> 16 | 0x40u;
    return (kz_bf16)((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

KZ_FN_BOTH float kz_float_of_bf16(kz_bf16 b)
{
    return kz_float_of_bits((uint32_t)b << 16);
}

/* Elements from one row of n to the next, in an array of them that lies in memory for as many binary32 numbers: whole
 * 16 bytes, as the loads of tensor cores want them, where there is room for that. */
static inline int64_t kz_bf16_stride(int64_t n)
{
    return n < 4 ? n : (n + 7) / 8 * 8;
}

#endif
