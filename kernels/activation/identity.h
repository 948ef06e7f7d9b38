/* kernels/activation/identity.h — a = z */
#ifndef KZ_ACTIVATION_IDENTITY_H
#define KZ_ACTIVATION_IDENTITY_H
#include "kernels/arith/arith.h"

KZ_FN float kz_identity(float z)
{
    return z;
}

KZ_FN float kz_identity_slope(float a)
{
    (void)a;
    return 1.0f;
}

#endif
