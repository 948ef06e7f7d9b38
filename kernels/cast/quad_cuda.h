/* kernels/cast/quad_cuda.h — 4 neighbouring numbers of a row, stored as binary32 or bfloat16, in registers as binary32. */
#ifndef KZ_CAST_QUAD_CUDA_H
#define KZ_CAST_QUAD_CUDA_H

#include "kernels/arith/bf16.h"
#include "kernels/arith/cuda_pieces.h"

/* x[4] <- from[4], of which the first `count` are there; wide: all 4 lie on a multiple of their size. */
static __device__ __forceinline__ void kz_load_four(const float *from, int count, bool wide, float *x)
{
    if (wide && count >= 4) {
        kz_load<4>(from, x);
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++) x[j] = j < count ? from[j] : 0.0f;
}

static __device__ __forceinline__ void kz_load_four(const kz_bf16 *from, int count, bool wide, float *x)
{
    if (wide && count >= 4) {
        const float2 all = *reinterpret_cast<const float2 *>(from);
        uint32_t low = kz_bits_f32(all.x), high = kz_bits_f32(all.y);
        x[0] = kz_float_of_bits(low << 16), x[1] = kz_float_of_bits(low & 0xffff0000u);
        x[2] = kz_float_of_bits(high << 16), x[3] = kz_float_of_bits(high & 0xffff0000u);
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++) x[j] = j < count ? kz_float_of_bf16(from[j]) : 0.0f;
}

static __device__ __forceinline__ void kz_store_four(float *to, int count, bool wide, const float *x)
{
    if (wide && count >= 4) {
        kz_store<4>(to, x);
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++)
        if (j < count) to[j] = x[j];
}

static __device__ __forceinline__ void kz_store_four(kz_bf16 *to, int count, bool wide, const float *x)
{
    if (wide && count >= 4) {
        float2 all;
        all.x = kz_float_of_bits(kz_bf16_of(x[0]) | static_cast<uint32_t>(kz_bf16_of(x[1])) << 16);
        all.y = kz_float_of_bits(kz_bf16_of(x[2]) | static_cast<uint32_t>(kz_bf16_of(x[3])) << 16);
        *reinterpret_cast<float2 *>(to) = all;
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++)
        if (j < count) to[j] = kz_bf16_of(x[j]);
}

/* Rows `stride` elements apart, each of which begins on a multiple of 4 elements: quads can be moved whole. */
template <class T> static inline bool kz_rows_are_wide(const T *p, int64_t stride)
{
    return stride % 4 == 0 && kz_is_aligned(p, 4 * sizeof(T));
}

/* The row of quad i where each row has `quads`: most grids are numbered in 32 bits, whose division is half as long. */
KZ_FN int64_t kz_row_of_quad(int64_t i, int64_t quads)
{
    if (((i | quads) >> 32) == 0) return static_cast<uint32_t>(i) / static_cast<uint32_t>(quads);
    return i / quads;
}

#endif
