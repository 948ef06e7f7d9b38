/* kernels/activation/sigmoid.h — a = 1 / (1 + exp(-z)), correctly rounded; da/dz = a (1 - a) */
#ifndef KZ_ACTIVATION_SIGMOID_H
#define KZ_ACTIVATION_SIGMOID_H
#include "kernels/arith/elementary.h"

KZ_FN float kz_sigmoid(float z)
{
    return kz_sigmoid_f32(z);
}

KZ_FN float kz_sigmoid_slope(float a)
{
    return a * (1.0f - a);
}

#endif
