/* gpu_peak.h — as many multiply-adds, and as many bytes, as a GPU can do. */
#ifndef BENCH_GPU_PEAK_H
#define BENCH_GPU_PEAK_H

#include <cuda_runtime.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PEAK_CHAINS = 8, PEAK_STEPS = 16, PEAK_THREADS = 256 };

/* `blocks` of PEAK_THREADS threads, each `turns` x PEAK_STEPS x PEAK_CHAINS multiply-adds in registers; x in (0.9, 1). */
cudaError_t peak_fma(int blocks, int turns, float x, float *out, cudaStream_t stream);
/* to[n] <- from[n] by `blocks` of PEAK_THREADS threads; n: a multiple of 4; both aligned to 16 bytes. */
cudaError_t peak_copy(int blocks, int64_t n, const float *from, float *to, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
