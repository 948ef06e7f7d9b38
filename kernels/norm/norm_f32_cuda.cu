/* The mean of a gradient and its norm.
 *
 * Each tensor is a vector of its own to rule 3.  Its blocks' sums lie in `square` at places that follow from the offsets
 * alone: on level k + 1 tensor t begins at ⌊its begin on level k / 1024⌋ + t.  Since ⌊a⌋ + ⌈b⌉ <= ⌊a + b⌋ + 1 no two
 * overlap, and a place's tensor is found by bisection. */
#include "kernels/arith/cuda_pieces.h"
#include "kernels/cuda/launchers.h"

enum {
    WARPS = 8,       /* of a block of mean_blocks */
    MOST_WARPS = 32, /* of norm_rest, which is one block */
    ONE_LAUNCH = 64, /* blocks of 1024: with more, a second launch costs less than waiting for one block */
    AT_ONCE = 16     /* elements of a lane, loaded before they are used */
};

/* The tensors of a gradient; on level 0 they are its elements, on level k + 1 the sums of level k's blocks. */
typedef struct {
    int64_t count, n;
    const int64_t *offset; /* (count + 1) */
} tensors;

KZ_FN_BOTH int64_t places(const tensors &all, int level)
{
    int64_t n = all.n;
    for (int i = 0; i < level; i++) n = n / KZ_SUM_BLOCK + all.count;
    return n;
}

/* On how many levels a vector of n elements has sums: 1 is for up to 1024 elements. */
KZ_FN_BOTH int levels(int64_t n)
{
    int count = 1;
    for (; n > KZ_SUM_BLOCK; n = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK) count++;
    return count;
}

KZ_FN int64_t begin_of(const tensors &all, int64_t t, int level)
{
    int64_t at = all.offset[t];
    for (int i = 0; i < level; i++) at = at / KZ_SUM_BLOCK + t;
    return at;
}

/* The block of level `level` whose sum has place `place` on the next: its begin, and how many elements it has, 0 where
 * there is none. */
KZ_FN int block_at(const tensors &all, int level, int64_t place, int64_t *begin)
{
    int64_t t = 0, beyond = all.count;
    while (beyond - t > 1) {
        int64_t middle = t + (beyond - t) / 2;
        if (begin_of(all, middle, level + 1) <= place) t = middle;
        else beyond = middle;
    }
    int64_t first = (place - begin_of(all, t, level + 1)) * KZ_SUM_BLOCK;
    int64_t n = all.offset[t + 1] - all.offset[t];
    for (int i = 0; i < level; i++) n = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    *begin = begin_of(all, t, level) + first;
    return kz_in_block(n, first);
}

/* g[n] <- g x inverse; the sum of the squares, which is lane 0's; n <= 1024. */
KZ_FN double mean_block(int n, float inverse, float *g)
{
    double sum = 0.0;
    g += kz_lane();
    KZ_NO_UNROLL
    for (int left = n - kz_lane(); left > 0; left -= AT_ONCE * KZ_SUM_LANES, g += AT_ONCE * KZ_SUM_LANES) {
        float x[AT_ONCE];
        KZ_UNROLL
        for (int i = 0; i < AT_ONCE; i++) x[i] = i * KZ_SUM_LANES < left ? g[i * KZ_SUM_LANES] : 0.0f;
        KZ_UNROLL
        for (int i = 0; i < AT_ONCE; i++) {
            x[i] *= inverse;
            if (i * KZ_SUM_LANES < left) g[i * KZ_SUM_LANES] = x[i];
            sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        }
    }
    return kz_fold(sum);
}

KZ_FN void mean_at(const tensors &all, int64_t place, float inverse, float *g, double *square)
{
    int64_t begin;
    int n = block_at(all, 0, place, &begin);
    double sum = mean_block(n, inverse, g + begin);
    if (kz_lane() == 0) square[place] = sum;
}

/* A warp to a block of 1024.  Reads and writes g: 8 bytes per element, 1 flop in binary32 and 2 in binary64, so memory
 * bounds it; a warp's accesses are 128 neighbouring bytes, aligned or not, and several of each lane are under way. */
static __global__ void __launch_bounds__(WARPS *KZ_WARP)
    mean_blocks(tensors all, float inverse, float *g, double *square)
{
    int64_t place = static_cast<int64_t>(blockIdx.x) * WARPS + kz_warp_of_block();
    if (place < places(all, 1)) mean_at(all, place, inverse, g, square);
}

/* The root of the tensors' sums, added in order; `sum` is the level on which each has one. */
KZ_FN void root_of_all(const tensors &all, int level, const double *sum, double *norm)
{
    double total = 0.0;
    for (int64_t t0 = 0; t0 < all.count; t0 += KZ_WARP) {
        int64_t t = t0 + kz_lane();
        double x = t < all.count ? sum[begin_of(all, t, level)] : 0.0;
        for (int i = 0; i < KZ_WARP && t0 + i < all.count; i++) total += kz_shuffle(x, i);
    }
    if (kz_lane() == 0) *norm = sqrt(total);
}

/* One block: the levels above the first, and with `whole` the first as well.  8 bytes per 1024 elements; for few of them
 * bound by the latency of a load for each level, for many by what one multiprocessor reads. */
template <bool whole>
static __global__ void __launch_bounds__(MOST_WARPS *KZ_WARP, 1)
    norm_rest(tensors all, float inverse, float *g, double *square, double *norm)
{
    int top = levels(all.n);
    if (whole)
        for (int64_t p = kz_warp_of_block(); p < places(all, 1); p += kz_warps_of_block())
            mean_at(all, p, inverse, g, square);
    for (int level = 1; level < top; level++) {
        double *above = square + places(all, level);
        __syncthreads();
        for (int64_t p = kz_warp_of_block(); p < places(all, level + 1); p += kz_warps_of_block()) {
            int64_t begin;
            int n = block_at(all, level, p, &begin);
            double sum = kz_sum_by_warp(n, square + begin);
            if (kz_lane() == 0) above[p] = sum;
        }
        square = above;
    }
    __syncthreads();
    if (kz_warp_of_block() == 0) root_of_all(all, top, square, norm);
}

extern "C" int64_t kz_norm_squares(int64_t n, int64_t count)
{
    tensors all = {count, n, nullptr};
    int64_t room = 0;
    for (int level = 1; level <= levels(n); level++) room += places(all, level);
    return room;
}

extern "C" cudaError_t kz_mean_norm_f32__cuda(int64_t count, const int64_t *offset, int64_t n, float inverse, float *g,
                                              double *square, double *norm, const kz_cuda_queue *q)
{
    tensors all = {count, n, offset};
    int64_t blocks = places(all, 1), warps = blocks < 1 ? 1 : blocks;
    if (warps > MOST_WARPS) warps = MOST_WARPS;
    if (blocks > ONE_LAUNCH) {
        cudaError_t e = KZ_LAUNCH(mean_blocks, kz_grid(kz_blocks_for(blocks, WARPS)), dim3(WARPS * KZ_WARP), 0,
                                  q->stream, all, inverse, g, square);
        if (e != cudaSuccess) return e;
        return KZ_LAUNCH(norm_rest<false>, dim3(1), dim3(MOST_WARPS * KZ_WARP), 0, q->stream, all, inverse, g, square,
                         norm);
    }
    return KZ_LAUNCH(norm_rest<true>, dim3(1), dim3(static_cast<unsigned>(warps * KZ_WARP)), 0, q->stream, all, inverse,
                     g, square, norm);
}
