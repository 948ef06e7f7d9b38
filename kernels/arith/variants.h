/* kernels/arith/variants.h — the ways in which the plain C of a kernel is compiled.
 *
 * X(how, attribute): `plain` is the oracle; `fma` is the same text, where the compiler may use FMA and AVX instructions
 * (on x86-64 without them, fmaf is a library call).  A kernel writes its body once, as an inlined function, and expands
 * KZ_VARIANTS to define `kz_<op>__plain`, `kz_<op>__fma`: slowest first. */
#ifndef KZ_ARITH_VARIANTS_H
#define KZ_ARITH_VARIANTS_H

#if defined(__x86_64__)
#define KZ_VARIANTS(X) X(plain, ) X(fma, __attribute__((target("fma"))))
#else
#define KZ_VARIANTS(X) X(plain, )
#endif

/* The body of a kernel: inlined into each variant, whose instruction set then applies to it. */
#define KZ_BODY static inline __attribute__((always_inline))

#endif
