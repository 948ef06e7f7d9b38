/* kernels/loss/binary_cross_entropy.h — two classes from one logit z; t is 0 or 1.
 *
 * loss = t softplus(-z) + (1 - t) softplus(z), which loses no digits on either side;  dz = sigmoid(z) - t. */
#ifndef KZ_LOSS_BINARY_CROSS_ENTROPY_H
#define KZ_LOSS_BINARY_CROSS_ENTROPY_H

#include "kernels/arith/elementary.h"

KZ_FN float kz_binary_cross_entropy(float z, int32_t y, float *dz)
{
    float t = (float)y, minus;
    float plus = kz_softplus_both_f32(z, &minus);
    *dz = kz_sigmoid_f32(z) - t;
    return fmaf(t, minus, (1.0f - t) * plus);
}

#endif
