/* What a GPU can do at most: independent chains of multiply-adds in registers, which nothing but the multiply-add units bounds,
 * and a copy, which memory bounds. */
#include "gpu_peak.h"

#include "kernels/arith/cuda_pieces.h"

/* 2 flops per multiply-add, no bytes; 8 chains and 8 warps for each scheduler hide the latency of 4 cycles. */
static __global__ void __launch_bounds__(PEAK_THREADS) fma_chains(int turns, float x, float *out)
{
    float acc[PEAK_CHAINS], y = 1.0f - x;
    KZ_UNROLL
    for (int c = 0; c < PEAK_CHAINS; c++) acc[c] = static_cast<float>(threadIdx.x + static_cast<unsigned>(c));
    KZ_NO_UNROLL
    for (int t = 0; t < turns; t++) {
        KZ_UNROLL
        for (int s = 0; s < PEAK_STEPS; s++) {
            KZ_UNROLL
            for (int c = 0; c < PEAK_CHAINS; c++) acc[c] = fmaf(acc[c], x, y);
        }
    }
    float total = 0;
    KZ_UNROLL
    for (int c = 0; c < PEAK_CHAINS; c++) total += acc[c];
    if (total == -1.0f) out[0] = total; /* never; but the compiler does not know */
}

cudaError_t peak_fma(int blocks, int turns, float x, float *out, cudaStream_t stream)
{
    return KZ_LAUNCH(fma_chains, dim3(static_cast<unsigned>(blocks)), dim3(PEAK_THREADS), 0, stream, turns, x, out);
}

/* 16 bytes read and 16 written by a thread at a time; 2048 threads of a multiprocessor have 32 KiB under way. */
static __global__ void __launch_bounds__(PEAK_THREADS) copy_quads(int64_t n, const float *from, float *to)
{
    int64_t stride = static_cast<int64_t>(gridDim.x) * PEAK_THREADS * 4;
    for (int64_t i = (static_cast<int64_t>(blockIdx.x) * PEAK_THREADS + threadIdx.x) * 4; i < n; i += stride) {
        float x[4];
        kz_load<4>(from + i, x);
        kz_store<4>(to + i, x);
    }
}

cudaError_t peak_copy(int blocks, int64_t n, const float *from, float *to, cudaStream_t stream)
{
    return KZ_LAUNCH(copy_quads, dim3(static_cast<unsigned>(blocks)), dim3(PEAK_THREADS), 0, stream, n, from, to);
}
