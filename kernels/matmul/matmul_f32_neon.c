/* The matrix product for NEON: 24 of the 32 registers hold a tile of 8 x 12. */
#include "kernels/matmul/matmul.h"

#ifdef KZ_NEON
enum { LANES = 4, ROWS = 8, VECTORS = 3 };
#define OWN_CHAINS
#include "kernels/matmul/matmul_tiles.inc"

#include <arm_neon.h>

/* X(row, half, lane): where a row's element of packed A lies, in two registers of four. */
#define KZ_ROWS(X)                                                                                                     \
    X(0, low, 0)                                                                                                       \
    X(1, low, 1)                                                                                                       \
    X(2, low, 2)                                                                                                       \
    X(3, low, 3)                                                                                                       \
    X(4, high, 0)                                                                                                      \
    X(5, high, 1)                                                                                                      \
    X(6, high, 2)                                                                                                      \
    X(7, high, 3)

#define KZ_CLEAR(i, half, lane) c[i][0] = c[i][1] = c[i][2] = vdupq_n_f32(0);
#define KZ_STEP(i, half, lane)                                                                                         \
    c[i][0] = vfmaq_laneq_f32(c[i][0], y0, half, lane);                                                                \
    c[i][1] = vfmaq_laneq_f32(c[i][1], y1, half, lane);                                                                \
    c[i][2] = vfmaq_laneq_f32(c[i][2], y2, half, lane);
#define KZ_STORE(i, half, lane) acc[i][0] = c[i][0], acc[i][1] = c[i][1], acc[i][2] = c[i][2];

/* FMLA takes an element of a register as a factor, so that A is loaded once for four rows and nothing is broadcast: 24
 * of them and 3 loads for each p.  Written without loops and with an array of its own, because gcc 12 otherwise stores the
 * tile each time around, and clang 14 takes the vectors apart. */
KZ_BODY void chains(int64_t depth, const float *a, const float *b, lanes acc[ROWS][VECTORS])
{
    float32x4_t c[ROWS][VECTORS];
    KZ_ROWS(KZ_CLEAR)
    for (int64_t p = 0; p < depth; p++, a += ROWS, b += COLUMNS) {
        float32x4_t low = vld1q_f32(a), high = vld1q_f32(a + LANES);
        float32x4_t y0 = vld1q_f32(b), y1 = vld1q_f32(b + LANES), y2 = vld1q_f32(b + 2 * LANES);
        KZ_ROWS(KZ_STEP)
    }
    KZ_ROWS(KZ_STORE)
}

KZ_NEON void kz_matmul_f32__neon(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}
#endif
