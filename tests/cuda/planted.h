/* planted.h — small kernels for the tests of the stand-in runtime: right ones, and ones with a known fault.
 *
 * In a .cu file of their own, since the sanitizers do not instrument the test program itself. */
#ifndef KZ_TESTS_CUDA_PLANTED_H
#define KZ_TESTS_CUDA_PLANTED_H

#include <cuda_runtime.h>
#include <stdint.h>

/* Right. */
cudaError_t planted_add(int64_t n, float x, float *y, cudaStream_t stream);
/* out[block] <- sum of the block's 256 elements of x, by barriers and warps. */
cudaError_t planted_sum(int64_t blocks, const float *x, float *out, cudaStream_t stream);
#endif
