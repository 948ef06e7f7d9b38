/* Independent chains of multiply-adds in registers: nothing but the multiply-add units bounds it. */
#include "gpu_peak.h"

#include "kernels/arith/cuda_ops.h"

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
