/* Sums of vectors, a warp to each block of 1024, and the sum of two vectors. */
#include "kernels/arith/cuda_pieces.h"
#include "kernels/cuda/launchers.h"

enum {
    WARPS = 8,           /* of a block of sum_blocks */
    MOST_WARPS = 32,     /* of sum_rest, which is one block */
    ONE_LAUNCH = 1 << 15 /* elements: with more, a second launch costs less than waiting for one block */
};

/* to[b] <- sum of block b of x[n].  8 bytes and an addition per element: memory bounds it. */
static __global__ void __launch_bounds__(WARPS *KZ_WARP) sum_blocks(int64_t n, const double *x, double *to)
{
    int64_t block = static_cast<int64_t>(blockIdx.x) * WARPS + kz_warp_of_block();
    int64_t begin = block * KZ_SUM_BLOCK;
    if (begin >= n) return;
    double sum = kz_sum_by_warp(kz_in_block(n, begin), x + begin);
    if (kz_lane() == 0) to[block] = sum;
}

/* *out <- sum of x[n], n <= ONE_LAUNCH, +0 of nothing.  Bound by the latency of one load and a few shuffles. */
static __global__ void __launch_bounds__(MOST_WARPS *KZ_WARP) sum_rest(int64_t n, const double *x, double *out)
{
    KZ_SHARED(double, part);
    int64_t blocks = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    for (int64_t b = kz_warp_of_block(); b < blocks; b += kz_warps_of_block()) {
        int64_t begin = b * KZ_SUM_BLOCK;
        double sum = kz_sum_by_warp(kz_in_block(n, begin), x + begin);
        if (kz_lane() == 0) part[b] = sum;
    }
    __syncthreads();
    if (kz_warp_of_block() > 0) return;
    double sum = kz_sum_by_warp(static_cast<int>(blocks), part);
    if (kz_lane() == 0) *out = sum;
}

extern "C" cudaError_t kz_sum_f64__cuda(int64_t n, const double *x, double *out, const kz_cuda_queue *q)
{
    double *to = reinterpret_cast<double *>(q->scratch), *end = to + q->scratch_floats / 2;
    while (n > ONE_LAUNCH) {
        int64_t blocks = kz_blocks_for(n, KZ_SUM_BLOCK);
        if (blocks > end - to) return cudaErrorInvalidValue;
        cudaError_t e =
            KZ_LAUNCH(sum_blocks, kz_grid(kz_blocks_for(blocks, WARPS)), dim3(WARPS * KZ_WARP), 0, q->stream, n, x, to);
        if (e != cudaSuccess) return e;
        n = blocks, x = to, to += blocks;
    }
    int64_t parts = kz_blocks_for(n, KZ_SUM_BLOCK), warps = parts < 1 ? 1 : parts;
    return KZ_LAUNCH(sum_rest, dim3(1), dim3(static_cast<unsigned>(warps * KZ_WARP)),
                     static_cast<size_t>(warps) * sizeof(double), q->stream, n, x, out);
}

enum { ADD_THREADS = 256, ADD_BLOCKS = 8 /* of a multiprocessor: all its threads */ };

/* a[n] <- a + b, V at a time.  12 bytes and a flop per element: memory bounds it. */
template <int V>
static __global__ void __launch_bounds__(ADD_THREADS) add(int64_t n, const float *__restrict__ b, float *__restrict__ a)
{
    int64_t whole = n / V * V;
    for (int64_t i = kz_thread_of_grid() * V; i < whole; i += kz_threads_of_grid() * V) {
        float x[V], y[V];
        kz_load<V>(a + i, x);
        kz_load<V>(b + i, y);
        KZ_UNROLL
        for (int c = 0; c < V; c++) x[c] += y[c];
        kz_store<V>(a + i, x);
    }
    int64_t rest = whole + kz_thread_of_grid();
    if (rest < n) a[rest] += b[rest];
}

extern "C" cudaError_t kz_add_f32__cuda(int64_t n, const float *b, float *a, const kz_cuda_queue *q)
{
    if (n <= 0) return cudaSuccess;
    bool four = kz_is_aligned(a, 16) && kz_is_aligned(b, 16);
    int64_t blocks = kz_blocks_for(n, ADD_THREADS * (four ? 4 : 1)), most = int64_t(ADD_BLOCKS) * q->multiprocessors;
    return KZ_LAUNCH((four ? add<4> : add<1>), kz_grid(blocks < most ? blocks : most), dim3(ADD_THREADS), 0, q->stream,
                     n, b, a);
}
