/* kernels/norm/norm.h — the last touch on a gradient: its mean over the rows, and its squared norm, in one pass.
 *
 * g <- g x inverse; the squares (double)g (double)g are summed by the canonical order (kernels/sum/sum.h), of which this
 * does the blocks of 1024.  Reads and writes g: 8 bytes per element, so memory bounds it. */
#ifndef KZ_NORM_NORM_H
#define KZ_NORM_NORM_H

#include "kernels/arith/variants.h"
#include "kernels/sum/sum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* square[b] <- sum of squares of elements 1024 b .. of g[n] after scaling, for block0 <= b < block1. */
typedef void kz_mean_norm_fn(int64_t n, float inverse, float *g, double *square, int64_t block0, int64_t block1);

#define KZ_DECLARE(how, attribute) kz_mean_norm_fn kz_mean_norm_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
