/* The matrix product in plain C: 16 columns of B are packed for a block of p, then tiles of 6 x 16 outputs keep their
 * chains in registers over the block. */
#include "kernels/matmul/matmul.h"

enum { ROWS = 6, LANES = 8, COLUMNS = 2 * LANES };

/* Eight neighbouring outputs.  A vector type, because gcc keeps arrays of floats in memory instead of registers. */
typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* acc <- fmaf(x, y, acc) in each lane: in this form gcc and clang make it one instruction where there is one. */
KZ_BODY void fma_lanes(const lanes *x, const lanes *y, lanes *acc)
{
    lanes sum;
    for (int l = 0; l < LANES; l++) sum[l] = fmaf((*x)[l], (*y)[l], (*acc)[l]);
    *acc = sum;
}

/* packed (depth, COLUMNS) <- B(p0 .., j0 ..), columns beyond n are 0. */
KZ_BODY void pack(const kz_matmul *g, int64_t p0, int64_t depth, int64_t j0, int64_t columns, float *packed)
{
    const float *b = g->b + p0 * g->b_k + j0 * g->b_column;
    for (int64_t p = 0; p < depth; p++)
        for (int64_t j = 0; j < COLUMNS; j++)
            packed[p * COLUMNS + j] = j < columns ? b[p * g->b_k + j * g->b_column] : 0.0f;
}

/* tile (rows, COLUMNS) <- the block's chains for `rows` rows of A (1 .. ROWS, a constant after inlining). */
KZ_BODY void chains(int rows, int64_t depth, const float *a, int64_t a_row, int64_t a_k, const float *packed,
                    float tile[ROWS][COLUMNS])
{
    lanes acc[ROWS][2];
    for (int i = 0; i < rows; i++) acc[i][0] = acc[i][1] = (lanes){0};
    for (int64_t p = 0; p < depth; p++) {
        lanes b0 = *(const lanes *)(packed + p * COLUMNS), b1 = *(const lanes *)(packed + p * COLUMNS + LANES);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            float one = a[i * a_row + p * a_k];
            lanes x = {one, one, one, one, one, one, one, one};
            fma_lanes(&x, &b0, &acc[i][0]);
            fma_lanes(&x, &b1, &acc[i][1]);
        }
    }
    for (int i = 0; i < rows; i++) {
        *(lanes *)&tile[i][0] = acc[i][0];
        *(lanes *)&tile[i][LANES] = acc[i][1];
    }
}

/* C's rows i0 .. i0 + rows - 1 <- (first block) or += the tile. */
KZ_BODY void add_tile(const kz_matmul *g, int rows, int64_t i0, int64_t j0, int64_t columns, int first,
                      float tile[ROWS][COLUMNS])
{
    for (int i = 0; i < rows; i++) {
        float *c = g->c + (i0 + i) * g->n + j0;
        if (first)
            for (int64_t j = 0; j < columns; j++) c[j] = tile[i][j];
        else
            for (int64_t j = 0; j < columns; j++) c[j] += tile[i][j];
    }
}

KZ_BODY void clear(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    for (int64_t i = row0; i < row1; i++)
        for (int64_t j = column0; j < column1; j++) g->c[i * g->n + j] = 0.0f;
}

KZ_BODY void matmul(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    float packed[KZ_MATMUL_BLOCK * COLUMNS], tile[ROWS][COLUMNS];
    if (g->k == 0) clear(g, row0, row1, column0, column1);
    for (int64_t j = column0; j < column1; j += COLUMNS) {
        int64_t columns = column1 - j < COLUMNS ? column1 - j : COLUMNS;
        for (int64_t p = 0; p < g->k; p += KZ_MATMUL_BLOCK) {
            int64_t depth = g->k - p < KZ_MATMUL_BLOCK ? g->k - p : KZ_MATMUL_BLOCK;
            int64_t i = row0;
            pack(g, p, depth, j, columns, packed);
            for (; i + ROWS <= row1; i += ROWS) {
                chains(ROWS, depth, g->a + i * g->a_row + p * g->a_k, g->a_row, g->a_k, packed, tile);
                add_tile(g, ROWS, i, j, columns, p == 0, tile);
            }
            for (; i < row1; i++) {
                chains(1, depth, g->a + i * g->a_row + p * g->a_k, g->a_row, g->a_k, packed, tile);
                add_tile(g, 1, i, j, columns, p == 0, tile);
            }
        }
    }
    if (g->finish) g->finish(g->job, row0, row1, column0, column1);
}

/* fmaf(x, 1, acc) is x + acc rounded once: an addition. */
KZ_BODY void column_sum(int64_t rows, int64_t columns, const float *x, float *sum, int64_t column0, int64_t column1)
{
    float chain[KZ_MATMUL_BLOCK];
    for (int64_t j0 = column0; j0 < column1; j0 += KZ_MATMUL_BLOCK) {
        int64_t width = column1 - j0 < KZ_MATMUL_BLOCK ? column1 - j0 : KZ_MATMUL_BLOCK;
        for (int64_t j = 0; j < width; j++) sum[j0 + j] = 0.0f;
        for (int64_t p = 0; p < rows; p += KZ_MATMUL_BLOCK) {
            int64_t end = rows - p < KZ_MATMUL_BLOCK ? rows : p + KZ_MATMUL_BLOCK;
            for (int64_t j = 0; j < width; j++) chain[j] = 0.0f;
            for (int64_t r = p; r < end; r++)
                for (int64_t j = 0; j < width; j++) chain[j] += x[r * columns + j0 + j];
            for (int64_t j = 0; j < width; j++) sum[j0 + j] = p == 0 ? chain[j] : sum[j0 + j] + chain[j];
        }
    }
}

void kz_matmul_f32__plain(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    matmul(g, row0, row1, column0, column1);
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_column_sum_f32__##how(int64_t rows, int64_t columns, const float *x, float *sum,                 \
                                            int64_t column0, int64_t column1)                                          \
    {                                                                                                                  \
        column_sum(rows, columns, x, sum, column0, column1);                                                           \
    }
KZ_VARIANTS(KZ_DEFINE)
