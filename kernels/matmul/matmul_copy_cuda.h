/* kernels/matmul/matmul_copy_cuda.h — a slice of a matrix on its way into shared memory, by asynchronous copies.
 *
 * There it lies with k outermost.  Where the matrix has no more rows for a tile, its last ones are copied again, or
 * zeros, for outputs that nobody wants; where it has no more k, zeros that nobody reads. */
#ifndef KZ_MATMUL_MATMUL_COPY_CUDA_H
#define KZ_MATMUL_MATMUL_COPY_CUDA_H

#include "kernels/arith/cuda_ops.h"

/* Whole numbers of 16 bytes can be copied: rows of `columns` floats from p on. */
static inline bool kz_is_wide(const void *p, int64_t columns)
{
    return columns > 0 && columns % 4 == 0 && reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

/* How an operand lies in memory: contiguous along k, or along the rows of A (columns of B) with kz_is_wide or without. */
enum { KZ_ALONG_K, KZ_WIDE, KZ_NARROW };

/* Copies an operand's part of each stage in turn: LENGTH rows (of A; columns of B) by DEPTH of k. */
template <int LENGTH, int ROW, int DEPTH, int THREADS, int LAYOUT> struct kz_copier;

/* Contiguous along k. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_ALONG_K> {
    static constexpr int STEP = THREADS / 8, COUNT = LENGTH / STEP; /* a thread's rows: every STEP-th */
    const float *base;
    unsigned from[COUNT]; /* after base */
    int to, p;

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int k)
    {
        int t = static_cast<int>(threadIdx.x), row = t / 8, last = rows - 1 - row0;
        p = t % 8;
        to = p * ROW + row;
        base = x + static_cast<int64_t>(row0) * k + k0;
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++) {
            int at = row + i * STEP;
            from[i] =
                static_cast<unsigned>(at < last ? at : last) * static_cast<unsigned>(k) + static_cast<unsigned>(p);
        }
    }

    /* The next DEPTH of k, of which `left` are to be had. */
    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++) {
            const float *x = base + from[i];
            KZ_UNROLL
            for (int j = 0; j < DEPTH; j += 8) kz_copy_async_4(stage + to + j * ROW + i * STEP, x + j, p + j < left);
        }
        base += DEPTH;
    }
};

/* In whole numbers of 16 bytes: where the matrix ends before the tile, its last ones again. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_WIDE> {
    static constexpr int CHUNKS = LENGTH / 4, STEP = THREADS / CHUNKS, COUNT = DEPTH / STEP;
    const float *from;
    int64_t step;
    int to, p;

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int)
    {
        int t = static_cast<int>(threadIdx.x), at = row0 + t % CHUNKS * 4;
        p = t / CHUNKS;
        to = p * ROW + t % CHUNKS * 4;
        from = x + static_cast<int64_t>(k0 + p) * rows + (at < rows ? at : rows - 4);
        step = static_cast<int64_t>(STEP) * rows;
    }

    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++, from += step)
            kz_copy_async_16(stage + to + i * STEP * ROW, from, p + i * STEP < left);
    }
};

/* In single elements. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_NARROW> {
    /* A warp writes 32 neighbours, or 2 rows of 16: different banks. */
    static constexpr int LANES = LENGTH < 32 ? LENGTH : 32, STEP = THREADS / LANES, COUNT = DEPTH / STEP;
    const float *from;
    int64_t step;
    int to, p, width; /* columns from this thread's first one on */

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int)
    {
        int t = static_cast<int>(threadIdx.x), at = row0 + t % LANES;
        p = t / LANES;
        to = p * ROW + t % LANES;
        width = rows - at;
        from = x + static_cast<int64_t>(k0 + p) * rows + at;
        step = static_cast<int64_t>(STEP) * rows;
    }

    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++, from += step) {
            KZ_UNROLL
            for (int j = 0; j < LENGTH; j += LANES)
                kz_copy_async_4(stage + to + i * STEP * ROW + j, from + j, j < width && p + i * STEP < left);
        }
    }
};

#endif
