/* The matrix product for AVX-512 with its vectors made of AVX2's: the same source, for machines that lack AVX-512. */
#if defined(__x86_64__)
#define KZ_AVX512 __attribute__((target("avx2,fma")))
#define kz_matmul_f32__avx512 kz_matmul_f32__lowered
#include "kernels/matmul/matmul_f32_avx512.c"
#endif
