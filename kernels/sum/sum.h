/* kernels/sum/sum.h — the one order in which a vector is summed (docs/arithmetic.md, rule 3).
 *
 * Blocks of 1024; in a block 32 lanes from +0, lane l adds elements l, l + 32, ... in order (a missing element is +0),
 * then the lanes as a tree: l + 16, + 8, + 4, + 2, + 1.  The block sums are a shorter vector, summed by the same rule. */
#ifndef KZ_SUM_SUM_H
#define KZ_SUM_SUM_H

#include "kernels/arith/arith.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KZ_SUM_BLOCK = 1024, KZ_SUM_LANES = 32, KZ_SUM_LEVELS = 7 }; /* 1024^7 > 2^63 */

/* A sum that grows element by element: `level[i]` holds the unfinished block of level i.  For streams and for formulas
 * of elements (squares, differences) that are nowhere stored. */
typedef struct {
    int64_t n[KZ_SUM_LEVELS];
    double lane[KZ_SUM_LEVELS][KZ_SUM_LANES];
} kz_running_sum;

/* The tree over the lanes of a block. */
#define KZ_SUM_FOLD(lane)                                                                                              \
    for (int half = KZ_SUM_LANES / 2; half > 0; half /= 2)                                                             \
        for (int l = 0; l < half; l++) (lane)[l] += (lane)[l + half]

/* Whole groups first: a loop of fixed length becomes vectors. */
#define KZ_SUM_BLOCK_BODY(type)                                                                                        \
    type lane[KZ_SUM_LANES] = {0};                                                                                     \
    int64_t i = 0;                                                                                                     \
    for (; i + KZ_SUM_LANES <= n; i += KZ_SUM_LANES)                                                                   \
        for (int l = 0; l < KZ_SUM_LANES; l++) lane[l] += x[i + l];                                                    \
    for (int l = 0; i + l < n; l++) lane[l] += x[i + l];                                                               \
    KZ_SUM_FOLD(lane);                                                                                                 \
    return lane[0]

KZ_FN double kz_sum_block_f64(int64_t n, const double *x)
{
    KZ_SUM_BLOCK_BODY(double);
}

KZ_FN float kz_sum_block_f32(int64_t n, const float *x)
{
    KZ_SUM_BLOCK_BODY(float);
}

double kz_sum_f64(int64_t n, const double *x);
float kz_sum_f32(int64_t n, const float *x); /* n up to 1024^2 */

void kz_running_sum_add(kz_running_sum *s, double x); /* s starts zeroed */
double kz_running_sum_end(const kz_running_sum *s);

#ifdef __cplusplus
}
#endif
#endif
