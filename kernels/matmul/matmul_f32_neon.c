/* The matrix product for NEON: 24 of the 32 registers hold a tile of 8 x 12. */
#include "kernels/matmul/matmul.h"

#ifdef KZ_NEON
enum { LANES = 4, ROWS = 8, VECTORS = 3 };
#include "kernels/matmul/matmul_tiles.inc"

KZ_NEON void kz_matmul_f32__neon(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}
#endif
