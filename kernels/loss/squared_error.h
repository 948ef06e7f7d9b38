/* kernels/loss/squared_error.h — mean over the n outputs of a row of (z - y)^2.
 *
 * loss = chain of fmaf(d, d, acc) over the outputs, times (float)(1 / n);  dz = (float)(2 / n) d. */
#ifndef KZ_LOSS_SQUARED_ERROR_H
#define KZ_LOSS_SQUARED_ERROR_H

#include "kernels/arith/arith.h"

KZ_FN float kz_squared_error(int64_t n, const float *z, const float *y, float *dz)
{
    float total = 0.0f, share = (float)(1.0 / (double)n), twice = (float)(2.0 / (double)n);
    for (int64_t j = 0; j < n; j++) {
        float d = z[j] - y[j];
        total = fmaf(d, d, total);
        dz[j] = twice * d;
    }
    return total * share;
}

#endif
