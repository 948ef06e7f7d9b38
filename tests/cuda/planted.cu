/* Small kernels for the tests of the stand-in runtime: see planted.h. */
#include "planted.h"

#include "kernels/arith/cuda_ops.h"

static __global__ void add(int64_t n, float x, float *y)
{
    int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] += x;
}

cudaError_t planted_add(int64_t n, float x, float *y, cudaStream_t stream)
{
    return KZ_LAUNCH(add, (unsigned)((n + 255) / 256), 256, 0, stream, n, x, y);
}

static __global__ void __launch_bounds__(256) sum(const float *__restrict__ x, float *__restrict__ out)
{
    KZ_SHARED(float, part);
    int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    float v = x[i];
    KZ_UNROLL
    for (int delta = 16; delta > 0; delta /= 2) v += kz_shuffle_down(v, delta);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
        float s = 0.0f;
        for (int w = 0; w < 8; w++) s += part[w];
        out[blockIdx.x] = s;
    }
}

cudaError_t planted_sum(int64_t blocks, const float *x, float *out, cudaStream_t stream)
{
    return KZ_LAUNCH(sum, (unsigned)blocks, 256, 8 * sizeof(float), stream, x, out);
}
