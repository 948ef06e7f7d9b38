/* kernels/norm/norm_cuda.h — the mean of a gradient and the sums of its squares, by warps.
 *
 * Each tensor is a vector of its own to rule 3.  Its blocks' sums lie in `square` at places that follow from the offsets
 * alone: on level k + 1 tensor t begins at ⌊its begin on level k / 1024⌋ + t.  Since ⌊a⌋ + ⌈b⌉ <= ⌊a + b⌋ + 1 no two
 * overlap, and a place's tensor is found by bisection. */
#ifndef KZ_NORM_NORM_CUDA_H
#define KZ_NORM_NORM_CUDA_H

#include "kernels/arith/cuda_pieces.h"

enum { KZ_NORM_AT_ONCE = 16 /* elements of a lane, loaded before they are used */ };

/* The tensors of a gradient; on level 0 they are its elements, on level k + 1 the sums of level k's blocks. */
typedef struct {
    int64_t count, n;
    const int64_t *offset; /* (count + 1) */
} kz_tensors;

KZ_FN_BOTH int64_t kz_norm_places(const kz_tensors &all, int level)
{
    int64_t n = all.n;
    for (int i = 0; i < level; i++) n = n / KZ_SUM_BLOCK + all.count;
    return n;
}

/* On how many levels a vector of n elements has sums: 1 is for up to 1024 elements. */
KZ_FN_BOTH int kz_norm_levels(int64_t n)
{
    int count = 1;
    for (; n > KZ_SUM_BLOCK; n = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK) count++;
    return count;
}

KZ_FN int64_t kz_norm_begin_of(const kz_tensors &all, int64_t t, int level)
{
    int64_t at = all.offset[t];
    for (int i = 0; i < level; i++) at = at / KZ_SUM_BLOCK + t;
    return at;
}

/* The block of level `level` whose sum has place `place` on the next: its begin, and how many elements it has, 0 where
 * there is none. */
KZ_FN int kz_norm_block_at(const kz_tensors &all, int level, int64_t place, int64_t *begin)
{
    int64_t t = 0, beyond = all.count;
    while (beyond - t > 1) {
        int64_t middle = t + (beyond - t) / 2;
        if (kz_norm_begin_of(all, middle, level + 1) <= place) t = middle;
        else beyond = middle;
    }
    int64_t first = (place - kz_norm_begin_of(all, t, level + 1)) * KZ_SUM_BLOCK;
    int64_t n = all.offset[t + 1] - all.offset[t];
    for (int i = 0; i < level; i++) n = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    *begin = kz_norm_begin_of(all, t, level) + first;
    return kz_in_block(n, first);
}

/* g[n] <- g x inverse; the sum of the squares, which is lane 0's; n <= 1024. */
KZ_FN double kz_mean_block(int n, float inverse, float *g)
{
    double sum = 0.0;
    g += kz_lane();
    KZ_NO_UNROLL
    for (int left = n - kz_lane(); left > 0;
         left -= KZ_NORM_AT_ONCE * KZ_SUM_LANES, g += KZ_NORM_AT_ONCE * KZ_SUM_LANES) {
        float x[KZ_NORM_AT_ONCE];
        KZ_UNROLL
        for (int i = 0; i < KZ_NORM_AT_ONCE; i++) x[i] = i * KZ_SUM_LANES < left ? g[i * KZ_SUM_LANES] : 0.0f;
        KZ_UNROLL
        for (int i = 0; i < KZ_NORM_AT_ONCE; i++) {
            x[i] *= inverse;
            if (i * KZ_SUM_LANES < left) g[i * KZ_SUM_LANES] = x[i];
            sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        }
    }
    return kz_fold(sum);
}

KZ_FN void kz_mean_at(const kz_tensors &all, int64_t place, float inverse, float *g, double *square)
{
    int64_t begin;
    int n = kz_norm_block_at(all, 0, place, &begin);
    double sum = kz_mean_block(n, inverse, g + begin);
    if (kz_lane() == 0) square[place] = sum;
}

/* The root of the tensors' sums, added in order, by a warp; `sum` is the level on which each has one. */
KZ_FN double kz_norm_root(const kz_tensors &all, int level, const double *sum)
{
    double total = 0.0;
    for (int64_t t0 = 0; t0 < all.count; t0 += KZ_WARP) {
        int64_t t = t0 + kz_lane();
        double x = t < all.count ? sum[kz_norm_begin_of(all, t, level)] : 0.0;
        for (int i = 0; i < KZ_WARP && t0 + i < all.count; i++) total += kz_shuffle(x, i);
    }
    return sqrt(total);
}

/* The norm from the sums of level 0's blocks, by one thread block; it is its first warp's.  8 bytes per 1024 elements; for
 * few of them bound by the latency of a load for each level, for many by what one multiprocessor reads. */
KZ_FN double kz_norm_of_squares(const kz_tensors &all, double *square)
{
    int top = kz_norm_levels(all.n);
    for (int level = 1; level < top; level++) {
        double *above = square + kz_norm_places(all, level);
        for (int64_t p = kz_warp_of_block(); p < kz_norm_places(all, level + 1); p += kz_warps_of_block()) {
            int64_t begin;
            int n = kz_norm_block_at(all, level, p, &begin);
            double sum = kz_sum_by_warp(n, square + begin);
            if (kz_lane() == 0) above[p] = sum;
        }
        square = above;
        __syncthreads();
    }
    return kz_warp_of_block() == 0 ? kz_norm_root(all, top, square) : 0.0;
}

/* Room for the sums of all levels. */
static inline int64_t kz_norm_room(const kz_tensors &all)
{
    int64_t room = 0;
    for (int level = 1; level <= kz_norm_levels(all.n); level++) room += kz_norm_places(all, level);
    return room;
}

#endif
