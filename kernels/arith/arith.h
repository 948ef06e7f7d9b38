/* kernels/arith/arith.h — what every scalar formula stands on, read by the C and the CUDA compiler alike.
 *
 * A KZ_FN is a formula of one element.  In C it is inlined into the loop that uses it, so that the loop's
 * instruction set applies to it; in CUDA it is a device function.  Both see the same text and, with the flags
 * of scripts/cmake/kz.cmake (no contraction, no fast-math), compute the same bits. */
#ifndef KZ_ARITH_ARITH_H
#define KZ_ARITH_ARITH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define KZ_FN static __device__ __forceinline__
#define KZ_FN_BOTH static __host__ __device__ __forceinline__ /* also called by host code */
#else
#define KZ_FN static inline __attribute__((always_inline, unused))
#define KZ_FN_BOTH KZ_FN
#endif

/* Before a loop of few turns over neighbouring values: gcc makes vectors of it only where it has not unrolled it first. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define KZ_AS_LOOP _Pragma("GCC unroll 1")
#else
#define KZ_AS_LOOP
#endif

/* The bits of a float, and back.  memcpy is the one form of this that C, C++ and CUDA all define. */
KZ_FN_BOTH uint32_t kz_bits_f32(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

KZ_FN_BOTH float kz_float_of_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

KZ_FN_BOTH uint64_t kz_bits_f64(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

KZ_FN_BOTH double kz_double_of_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

#endif
