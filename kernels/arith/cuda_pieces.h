/* kernels/arith/cuda_pieces.h — what several .cu files need: a thread's place, the sum of rule 3 by a warp, accesses of 16
 * bytes, numbers of blocks. */
#ifndef KZ_ARITH_CUDA_PIECES_H
#define KZ_ARITH_CUDA_PIECES_H

#include "kernels/arith/cuda_ops.h"
#include "kernels/sum/sum.h"

KZ_FN int kz_lane(void)
{
    return static_cast<int>(threadIdx.x) % KZ_WARP;
}

KZ_FN int kz_warp_of_block(void)
{
    return static_cast<int>(threadIdx.x) / KZ_WARP;
}

KZ_FN int kz_warps_of_block(void)
{
    return static_cast<int>(blockDim.x) / KZ_WARP;
}

/* This thread's number in the grid, and how many there are. */
KZ_FN int64_t kz_thread_of_grid(void)
{
    return static_cast<int64_t>(blockIdx.x) * static_cast<int64_t>(blockDim.x) + static_cast<int64_t>(threadIdx.x);
}

KZ_FN int64_t kz_threads_of_grid(void)
{
    return static_cast<int64_t>(gridDim.x) * static_cast<int64_t>(blockDim.x);
}

/* The tree over the lanes of a warp; the sum is lane 0's. */
template <class T> KZ_FN T kz_fold(T lane)
{
    KZ_UNROLL
    for (int half = KZ_SUM_LANES / 2; half > 0; half /= 2) lane += kz_shuffle_down(lane, half);
    return lane;
}

/* The sum of a block of n <= KZ_SUM_BLOCK elements by a warp; it is lane 0's.  16 loads of a lane are under way.  A sum
 * that began with +0 is never -0: missing elements change nothing. */
template <class T> KZ_FN T kz_sum_by_warp(int n, const T *x)
{
    enum { AT_ONCE = 16 };
    T sum = 0;
    x += kz_lane();
    KZ_NO_UNROLL
    for (int left = n - kz_lane(); left > 0; left -= AT_ONCE * KZ_SUM_LANES, x += AT_ONCE * KZ_SUM_LANES) {
        T here[AT_ONCE];
        KZ_UNROLL
        for (int i = 0; i < AT_ONCE; i++) here[i] = i * KZ_SUM_LANES < left ? x[i * KZ_SUM_LANES] : T(0);
        KZ_UNROLL
        for (int i = 0; i < AT_ONCE; i++) sum += here[i];
    }
    return kz_fold(sum);
}

/* Is this the last of `count` thread blocks to come here?  Then all that they wrote before can be read: one thread's fences,
 * after the barrier and before the next, speak for its block (PTX memory model: cumulativity), as in a grid barrier.
 * counter: in global memory, 0, and again when the last one has come; note: in shared memory, overwritten. */
KZ_FN bool kz_arrive_last(unsigned *counter, unsigned count, unsigned *note)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        *note = kz_atomic_add(counter, 1) + 1;
        if (*note == count) *counter = 0;
        __threadfence();
    }
    __syncthreads();
    bool is = *note == count;
    __syncthreads(); /* before the note is overwritten */
    return is;
}

/* How many of n elements are in a block that begins at `begin`; 0 beyond the end. */
KZ_FN int kz_in_block(int64_t n, int64_t begin)
{
    int64_t rest = n - begin;
    return rest <= 0 ? 0 : rest < KZ_SUM_BLOCK ? static_cast<int>(rest) : KZ_SUM_BLOCK;
}

/* x[V] <- from[V], V = 1 or 4; four are aligned to 16 bytes. */
template <int V> KZ_FN void kz_load(const float *from, float *x)
{
    if (V == 4) {
        const float4 all = *reinterpret_cast<const float4 *>(from);
        x[0] = all.x, x[1 % V] = all.y, x[2 % V] = all.z, x[3 % V] = all.w;
    } else {
        x[0] = *from;
    }
}

template <int V> KZ_FN void kz_store(float *to, const float *x)
{
    if (V == 4) {
        float4 all;
        all.x = x[0], all.y = x[1 % V], all.z = x[2 % V], all.w = x[3 % V];
        *reinterpret_cast<float4 *>(to) = all;
    } else {
        *to = x[0];
    }
}

static inline bool kz_is_aligned(const void *p, size_t bytes)
{
    return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}

/* How many blocks of `each` cover n. */
static inline int64_t kz_blocks_for(int64_t n, int64_t each)
{
    return n / each + (n % each != 0);
}

static inline dim3 kz_grid(int64_t blocks)
{
    return dim3(static_cast<unsigned>(blocks));
}

#endif
