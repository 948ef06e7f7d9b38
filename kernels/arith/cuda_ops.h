/* kernels/arith/cuda_ops.h — what .cu files use of CUDA beyond plain C++: launches, dynamic shared memory, operations of
 * a warp, asynchronous copies.
 *
 * The same .cu files are also compiled as C++ against tests/cuda_on_cpu, whose headers stand in for CUDA's: there the
 * threads of a block are fibres.  What is not named here, or below, has no stand-in and does not compile there:
 * threadIdx blockIdx blockDim gridDim warpSize, __global__ __device__ __forceinline__ __restrict__ __launch_bounds__,
 * __syncthreads, __threadfence, float2 float4 double2 int4, fmaf sqrtf sqrt and what kernels/arith defines.
 * Static __shared__ arrays are not: KZ_SHARED is poisoned and checked there. */
#ifndef KZ_ARITH_CUDA_OPS_H
#define KZ_ARITH_CUDA_OPS_H

#include <cuda_runtime.h>

#ifdef __CUDACC__

#include "kernels/arith/arith.h"

#define KZ_UNROLL _Pragma("unroll")
#define KZ_NO_UNROLL _Pragma("unroll 1")

enum { KZ_WARP = 32, KZ_STATIC_SHARED = 48 << 10 /* a block gets more only if the kernel asks for it */ };

/* The block's dynamic shared memory, uninitialised, aligned to 16 bytes: `type *name`. */
#define KZ_SHARED(type, name)                                                                                          \
    extern __shared__ __align__(16) unsigned char kz_shared_bytes[];                                                   \
    type *name = reinterpret_cast<type *>(kz_shared_bytes)

/* Queues kernel(arguments...) on `stream`: `shared` bytes of dynamic shared memory.  Returns what CUDA says. */
template <class... P, class... A>
static inline cudaError_t kz_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                                    A... argument)
{
    if (shared > KZ_STATIC_SHARED) {
        cudaError_t e = cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
        if (e != cudaSuccess) return e;
    }
    kernel<<<grid, block, shared, stream>>>(static_cast<P>(argument)...);
    return cudaGetLastError();
}
#define KZ_LAUNCH(kernel, ...) kz_launch(kernel, __VA_ARGS__) /* a template's name with commas goes into parentheses */

/* x of lane + delta, or of lane ^ mask; all 32 lanes of the warp take part. */
template <class T> static __device__ __forceinline__ T kz_shuffle_down(T x, int delta)
{
    return __shfl_down_sync(0xffffffffu, x, delta);
}

template <class T> static __device__ __forceinline__ T kz_shuffle_xor(T x, int mask)
{
    return __shfl_xor_sync(0xffffffffu, x, mask);
}

/* x of the lane `from`. */
template <class T> static __device__ __forceinline__ T kz_shuffle(T x, int from)
{
    return __shfl_sync(0xffffffffu, x, from);
}

/* A bit for each lane of the warp whose `condition` is not 0. */
static __device__ __forceinline__ unsigned kz_ballot(int condition)
{
    return __ballot_sync(0xffffffffu, condition);
}

/* Waits for the lanes of the warp; what they wrote before can be read after. */
static __device__ __forceinline__ void kz_warp_sync(void)
{
    __syncwarp();
}

/* *to += x; returns what was there.  On integers only: the order of additions of floating-point numbers would differ. */
static __device__ __forceinline__ unsigned kz_atomic_add(unsigned *to, unsigned x)
{
    return atomicAdd(to, x);
}

/* Starts copying 4 or 16 bytes from global memory to shared memory, both aligned to as much; with valid = 0 zeros are
 * written and nothing is read.  They are there after kz_copy_wait and, for other threads, a barrier. */
static __device__ __forceinline__ void kz_copy_async_4(void *shared, const void *global, bool valid)
{
    unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared)), size = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(global), "r"(size) : "memory");
}

static __device__ __forceinline__ void kz_copy_async_16(void *shared, const void *global, bool valid)
{
    unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared)), size = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(size) : "memory");
}

/* Ends a group of this thread's copies; may be empty. */
static __device__ __forceinline__ void kz_copy_commit(void)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits for all groups of this thread but the `pending` last ones. */
template <int pending> static __device__ __forceinline__ void kz_copy_wait(void)
{
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#else
#include "cuda_on_cpu_ops.h"
#endif

#endif
