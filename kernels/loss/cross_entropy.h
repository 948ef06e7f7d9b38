/* kernels/loss/cross_entropy.h — softmax with cross entropy, one row.
 *
 * e = exp(z - max z), s = sum of e, p = e / s, loss = log(s) - (z[y] - max z), dz = p - t with t = 1 at y.  Per output:
 * reads z once per pass (it stays in the cache), writes dz; one exp. */
#ifndef KZ_LOSS_CROSS_ENTROPY_H
#define KZ_LOSS_CROSS_ENTROPY_H

#include "kernels/arith/elementary.h"
#include "kernels/sum/sum.h"

/* dz[n] is scratch before it is the result. */
KZ_FN float kz_cross_entropy(int64_t n, const float *z, int32_t y, float *dz)
{
    float most = z[0];
    for (int64_t j = 1; j < n; j++) most = !(z[j] <= most) ? z[j] : most;
    for (int64_t j = 0; j < n; j++) dz[j] = kz_exp_f32(z[j] - most);
    float s = n <= KZ_SUM_BLOCK ? kz_sum_block_f32(n, dz) : kz_sum_f32(n, dz);
    for (int64_t j = 0; j < n; j++) dz[j] = dz[j] / s;
    dz[y] = dz[y] - 1.0f;
    return kz_log_f32(s) - (z[y] - most);
}

#endif
