/* kernels/step/step_product_cuda.h — C = A B by one thread block, all of them in shared memory.
 *
 * The sums are those of matmul.h.  A thread computes R x 4 outputs, R being what takes least time: shared memory gives a
 * warp a row of A's elements or 16 neighbouring bytes of B's in 1 or 2 cycles, which R x 4 multiply-adds then use.  Rows
 * beyond the last are the last one again, columns beyond the last whatever lies there: rows have room for whole fours. */
#ifndef KZ_STEP_STEP_PRODUCT_CUDA_H
#define KZ_STEP_STEP_PRODUCT_CUDA_H

#include "kernels/arith/cuda_ops.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_part_cuda.h"

enum { KZ_STEP_THREADS = 512 };

/* A (m, k), or with A_ALONG_K = false (k, m); B (k, n); pitches: from one row to the next, multiples of 4 floats. */
typedef struct {
    int m, n, k;
    const float *a, *b;
    int a_pitch, b_pitch;
} kz_step_product;

/* acc <- the chains over k0 .. end - 1. */
template <int R, bool A_ALONG_K>
KZ_FN void kz_step_chains(const kz_step_product &g, int k0, int end, const int *row, const float *b, float acc[R][4])
{
    float x[R][4], y[4];
    int p = k0;
    KZ_NO_UNROLL
    for (; p + 4 <= end; p += 4) {
        KZ_UNROLL
        for (int r = 0; r < R; r++) {
            if (A_ALONG_K) kz_load_row<4>(g.a + row[r] * g.a_pitch + p, x[r]);
            for (int q = 0; q < 4 && !A_ALONG_K; q++) x[r][q] = g.a[(p + q) * g.a_pitch + row[r]];
        }
        KZ_UNROLL
        for (int q = 0; q < 4; q++) {
            kz_load_row<4>(b + (p + q) * g.b_pitch, y);
            KZ_UNROLL
            for (int r = 0; r < R; r++) {
                KZ_UNROLL
                for (int c = 0; c < 4; c++) acc[r][c] = fmaf(x[r][q], y[c], acc[r][c]);
            }
        }
    }
    KZ_NO_UNROLL
    for (; p < end; p++) {
        kz_load_row<4>(b + p * g.b_pitch, y);
        KZ_UNROLL
        for (int r = 0; r < R; r++) {
            float a = A_ALONG_K ? g.a[row[r] * g.a_pitch + p] : g.a[p * g.a_pitch + row[r]];
            KZ_UNROLL
            for (int c = 0; c < 4; c++) acc[r][c] = fmaf(a, y[c], acc[r][c]);
        }
    }
}

/* For thread number `thread`: keep(row, column, totals[4]) for all of its totals, then finish(row, column) for each, which
 * is not written out R times.  A thread's rows are m / R apart, so that neighbouring lanes read neighbouring rows. */
template <int R, bool A_ALONG_K, class Keep, class Finish>
KZ_FN void kz_step_tiles(const kz_step_product &g, int thread, const Keep &keep, const Finish &finish)
{
    int across = (g.n + 3) / 4, down = (g.m + R - 1) / R;
    for (int tile = thread; tile < across * down; tile += KZ_STEP_THREADS) {
        int first = tile / across, column = tile % across * 4, row[R];
        float total[R][4] = {};
        KZ_UNROLL
        for (int r = 0; r < R; r++) row[r] = first + r * down < g.m ? first + r * down : g.m - 1;
        for (int k0 = 0; k0 < g.k; k0 += KZ_MATMUL_BLOCK) {
            int end = k0 + KZ_MATMUL_BLOCK < g.k ? k0 + KZ_MATMUL_BLOCK : g.k;
            float acc[R][4] = {};
            kz_step_chains<R, A_ALONG_K>(g, k0, end, row, g.b + column, acc);
            KZ_UNROLL
            for (int r = 0; r < R; r++) {
                KZ_UNROLL
                for (int c = 0; c < 4; c++) total[r][c] = k0 > 0 ? total[r][c] + acc[r][c] : acc[r][c];
            }
        }
        KZ_UNROLL
        for (int r = 0; r < R; r++)
            if (first + r * down < g.m) keep(first + r * down, column, total[r]);
        KZ_NO_UNROLL
        for (int r = first; r < g.m; r += down) finish(r, column);
    }
}

/* Cycles per k that shared memory needs are (R + 2) / R for each 32 rows of 4 outputs, and a warp alone takes 8, 12 or 21
 * with R = 1, 2 or 4: the larger of the two decides. */
template <bool A_ALONG_K, class Keep, class Finish>
KZ_FN void kz_step_multiply(const kz_step_product &g, int thread, const Keep &keep, const Finish &finish)
{
    int quads = (g.n + 3) / 4 * g.m;
    if (quads <= 128) kz_step_tiles<1, A_ALONG_K>(g, thread, keep, finish);
    else if (quads <= 320) kz_step_tiles<2, A_ALONG_K>(g, thread, keep, finish);
    else kz_step_tiles<4, A_ALONG_K>(g, thread, keep, finish);
}

#endif
