/* kernels/arith/variants.h — the instruction sets that kernels are compiled for.
 *
 * X(how, attribute): `plain` is the oracle, plain C for any CPU of the architecture (on x86-64 fmaf is then a library
 * call); the others may use the instructions of their set.  A kernel writes its body once, as an inlined function, and
 * expands KZ_VARIANTS to define `kz_<op>__plain`, `kz_<op>__avx2`, ...: slowest first.  What is written by hand for a set
 * (the matrix product) expands KZ_PLAIN and defines the others in files of their own. */
#ifndef KZ_ARITH_VARIANTS_H
#define KZ_ARITH_VARIANTS_H

#if defined(__x86_64__)
#define KZ_AVX2 __attribute__((target("avx2,fma")))
#ifndef KZ_AVX512 /* a test has its vectors made by lesser instructions */
#define KZ_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#endif
#define KZ_VECTORS(X) X(avx2, KZ_AVX2) X(avx512, KZ_AVX512)
#elif defined(__aarch64__)
#define KZ_NEON /* every such CPU has it */
#define KZ_VECTORS(X) X(neon, KZ_NEON)
#else
#define KZ_VECTORS(X)
#endif

#define KZ_PLAIN(X) X(plain, )
#define KZ_VARIANTS(X) KZ_PLAIN(X) KZ_VECTORS(X)

/* The body of a kernel: inlined into each variant, whose instruction set then applies to it. */
#define KZ_BODY static inline __attribute__((always_inline))

#endif
