/* The matrix product for AVX2 and FMA: 12 of the 16 registers hold a tile of 6 x 16. */
#include "kernels/matmul/matmul.h"

#ifdef KZ_AVX2
enum { LANES = 8, ROWS = 6, VECTORS = 2 };
#include "kernels/matmul/matmul_tiles.inc"

KZ_AVX2 void kz_matmul_f32__avx2(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}
#endif
