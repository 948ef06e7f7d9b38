/* The matrix product for AVX-512: 28 of the 32 registers hold a tile of 14 x 32. */
#include "kernels/matmul/matmul.h"

#ifdef KZ_AVX512
enum { LANES = 16, ROWS = 14, VECTORS = 2 };
#include "kernels/matmul/matmul_tiles.inc"

KZ_AVX512 void kz_matmul_f32__avx512(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}
#endif
