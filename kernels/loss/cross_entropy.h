/* kernels/loss/cross_entropy.h — softmax with cross entropy.
 *
 * e = exp(z - max z), s = sum of e, p = e / s, loss = log(s) - (z[y] - max z), dz = p - t with t = 1 at y.  Per output:
 * reads z once per pass (it stays in the cache), writes dz; one exp.
 *
 * Whatever the maximum of a row with a NaN is taken to be, its loss and all of its dz are NaN: the order in which the
 * maximum is found changes nothing. */
#ifndef KZ_LOSS_CROSS_ENTROPY_H
#define KZ_LOSS_CROSS_ENTROPY_H

#include "kernels/arith/elementary.h"
#include "kernels/sum/sum.h"

enum { KZ_ROWS_AT_ONCE = 8, KZ_FEW_CLASSES = KZ_SUM_LANES };

/* The larger; b where one is NaN. */
KZ_FN float kz_larger(float a, float b)
{
    return !(b <= a) ? b : a;
}

KZ_FN float kz_largest_f32(int64_t n, const float *z)
{
    float lane[KZ_SUM_LANES], most = z[0];
    int64_t i = 0;
    for (int l = 0; l < KZ_SUM_LANES; l++) lane[l] = z[0];
    for (; i + KZ_SUM_LANES <= n; i += KZ_SUM_LANES)
        for (int l = 0; l < KZ_SUM_LANES; l++) lane[l] = kz_larger(lane[l], z[i + l]);
    for (int l = 0; l < KZ_SUM_LANES; l++) most = kz_larger(most, lane[l]);
    for (; i < n; i++) most = kz_larger(most, z[i]);
    return most;
}

/* 1 if y is the lowest of the largest outputs; of a row with NaN, if it is what a walk through the row ends at that only
 * leaves an output for a larger one. */
KZ_FN int kz_is_right(int64_t n, const float *z, int32_t y)
{
    int unordered = 0, beaten = 0;
    int64_t best = 0;
    for (int64_t j = 0; j < n; j++) unordered |= z[j] != z[j];
    for (int64_t j = 0; j < y; j++) beaten |= z[j] >= z[y];
    for (int64_t j = y + 1; j < n; j++) beaten |= z[j] > z[y];
    if (!unordered) return !beaten;
    for (int64_t j = 1; j < n; j++)
        if (z[j] > z[best]) best = j;
    return best == y;
}

/* One row.  dz[n] is scratch before it is the result. */
KZ_FN float kz_cross_entropy(int64_t n, const float *z, int32_t y, float *dz)
{
    float most = kz_largest_f32(n, z);
    for (int64_t j = 0; j < n; j++) dz[j] = kz_exp_f32(z[j] - most);
    float s = n <= KZ_SUM_BLOCK ? kz_sum_block_f32(n, dz) : kz_sum_f32(n, dz);
    for (int64_t j = 0; j < n; j++) dz[j] = dz[j] / s;
    dz[y] = dz[y] - 1.0f;
    return kz_log_f32(s) - (z[y] - most);
}

/* The same for KZ_ROWS_AT_ONCE rows of n <= KZ_FEW_CLASSES outputs, which are too few to fill vectors: z[j][i] is output
 * j of row i, and becomes its dz; y[i], loss[i] and right[i] (1 where y[i] is the lowest of the largest outputs) are row
 * i's.  Numbers of outputs are floats, so that all of a row's values lie in lanes of one kind. */
KZ_FN void kz_cross_entropy_rows(int64_t n, float z[][KZ_ROWS_AT_ONCE], const float *y, float *loss, float *right)
{
    float most[KZ_ROWS_AT_ONCE], best[KZ_ROWS_AT_ONCE] = {0}, chosen[KZ_ROWS_AT_ONCE];
    float s[KZ_FEW_CLASSES][KZ_ROWS_AT_ONCE];
    memcpy(most, z[0], sizeof most);
    memcpy(chosen, z[0], sizeof chosen);
    for (int64_t j = 1; j < n; j++) {
        KZ_AS_LOOP
        for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) {
            best[i] = z[j][i] > most[i] ? (float)j : best[i];
            most[i] = z[j][i] > most[i] ? z[j][i] : most[i];
            chosen[i] = (float)j == y[i] ? z[j][i] : chosen[i];
        }
    }
    for (int64_t j = 0; j < n; j++)
        for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) s[j][i] = z[j][i] = kz_exp_f32(z[j][i] - most[i]);
    for (int64_t half = KZ_SUM_LANES / 2, rows = n; half > 0; rows = rows < half ? rows : half, half /= 2)
        for (int64_t j = 0; j + half < rows; j++)
            for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) s[j][i] += s[j + half][i]; /* lanes beyond the row are +0 */
    KZ_AS_LOOP
    for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) loss[i] = kz_log_f32(s[0][i]) - (chosen[i] - most[i]);
    KZ_AS_LOOP
    for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) right[i] = best[i] == y[i] ? 1.0f : 0.0f;
    for (int64_t j = 0; j < n; j++) {
        KZ_AS_LOOP
        for (int i = 0; i < KZ_ROWS_AT_ONCE; i++) z[j][i] = z[j][i] / s[0][i] - ((float)j == y[i] ? 1.0f : 0.0f);
    }
}

#endif
