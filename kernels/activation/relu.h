/* kernels/activation/relu.h — a = max(z, 0); a NaN passes on.  The slope at 0 is 0. */
#ifndef KZ_ACTIVATION_RELU_H
#define KZ_ACTIVATION_RELU_H
#include "kernels/arith/arith.h"

KZ_FN float kz_relu(float z)
{
    return !(z <= 0.0f) ? z : 0.0f;
}

KZ_FN float kz_relu_slope(float a)
{
    return !(a <= 0.0f) ? 1.0f : 0.0f;
}

#endif
