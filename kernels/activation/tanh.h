/* kernels/activation/tanh.h — a = tanh(z), correctly rounded; da/dz = 1 - a^2 */
#ifndef KZ_ACTIVATION_TANH_H
#define KZ_ACTIVATION_TANH_H
#include "kernels/arith/elementary.h"

KZ_FN float kz_tanh(float z)
{
    return kz_tanh_f32(z);
}

KZ_FN float kz_tanh_slope(float a)
{
    return fmaf(-a, a, 1.0f);
}

#endif
