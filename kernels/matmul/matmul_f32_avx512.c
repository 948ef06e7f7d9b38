/* The matrix product for AVX-512: 28 of the 32 registers hold a tile of 14 x 32. */
#include "kernels/matmul/matmul.h"

#ifdef KZ_AVX512
enum { LANES = 16, ROWS = 14, VECTORS = 2 };
#define OWN_CHAINS
#include "kernels/matmul/matmul_tiles.inc"

#define KZ_ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
#define KZ_CLEAR(i) c[i][0] = c[i][1] = (lanes){0};
#define KZ_STEP(i)                                                                                                     \
    for (int l = 0; l < LANES; l++) x[l] = a[i];                                                                       \
    fma_lanes(&x, &y0, &c[i][0]);                                                                                      \
    fma_lanes(&x, &y1, &c[i][1]);
#define KZ_STORE(i) acc[i][0] = c[i][0], acc[i][1] = c[i][1];

/* Written without loops and with an array of its own: gcc 12 otherwise copies eight to ten registers for each p. */
KZ_BODY void chains(int64_t depth, const float *a, const float *b, lanes acc[ROWS][VECTORS])
{
    lanes c[ROWS][VECTORS];
    KZ_ROWS(KZ_CLEAR)
    for (int64_t p = 0; p < depth; p++, a += ROWS, b += COLUMNS) {
        lanes x, y0 = *(const lanes *)b, y1 = *(const lanes *)(b + LANES);
        KZ_ROWS(KZ_STEP)
    }
    KZ_ROWS(KZ_STORE)
}

KZ_AVX512 void kz_matmul_f32__avx512(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}
#endif
