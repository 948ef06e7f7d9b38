/* kernels/optim/coef.h — what an optimiser's formula needs besides a parameter, its gradient and its moments.
 *
 * Made on the host in binary64 for each step and rounded once (src/optim/optim.c). */
#ifndef KZ_OPTIM_COEF_H
#define KZ_OPTIM_COEF_H

#include "kernels/arith/arith.h"

typedef struct {
    float lr;
    float decay;  /* weight_decay: times p, added to the gradient */
    float shrink; /* 1 - lr weight_decay: decoupled decay */
    float momentum;
    float fresh; /* 1 - dampening; 1 at the first step, and without momentum */
    int nesterov;
    float beta1_rest; /* 1 - beta1 */
    float beta2, beta2_rest;
    float eps;
    float step;       /* lr / (1 - beta1^t) */
    float root;       /* 1 / sqrt(1 - beta2^t) */
    double clip_norm; /* <= 0: none */
    float clip_value; /* <= 0: none */
} kz_optim_coef;

/* A moment that has all but vanished becomes +0: denormals would make the step several times slower. */
KZ_FN float kz_settle(float s)
{
    return s < 0x1p-100f && s > -0x1p-100f ? 0.0f : s;
}

/* The factor of clipping by norm: (float)(clip / (norm + 1e-6)) where the norm is larger, else 1 (as torch's
 * clip_grad_norm_, whose 1e-6 keeps the quotient finite). */
KZ_FN_BOTH float kz_clip_scale(const kz_optim_coef *c, double norm)
{
    return c->clip_norm > 0.0 && norm > c->clip_norm ? (float)(c->clip_norm / (norm + 1e-6)) : 1.0f;
}

/* The gradient after clipping by norm (a factor, 1 where it does not apply) and by value; NaN passes. */
KZ_FN float kz_clipped(const kz_optim_coef *c, float scale, float g)
{
    g = g * scale;
    if (!(c->clip_value > 0.0f)) return g;
    return g > c->clip_value ? c->clip_value : g < -c->clip_value ? -c->clip_value : g;
}

#endif
