/* kernels/optim/adam.h — adaptive moments:  g <- g + decay p,  m <- m + (1 - b1)(g - m),  v <- b2 v + (1 - b2) g^2,
 * p <- p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).  Kingma and Ba 2015; semantics of torch.optim.Adam.
 * One pass; reads g p m v, writes p m v: 28 bytes, 11 flops, a root and a division per parameter; memory bounds it. */
#ifndef KZ_OPTIM_ADAM_H
#define KZ_OPTIM_ADAM_H

#include "kernels/optim/coef.h"

/* The step from the moments, shared by the whole family. */
KZ_FN float kz_adam_step(const kz_optim_coef *c, float p, float g, float *m, float *v)
{
    *m = kz_settle(fmaf(c->beta1_rest, g - *m, *m));
    *v = kz_settle(fmaf(c->beta2_rest * g, g, c->beta2 * *v));
    return fmaf(-c->step, *m / fmaf(sqrtf(*v), c->root, c->eps), p);
}

KZ_FN void kz_adam(const kz_optim_coef *c, float g, float *p, float *m, float *v)
{
    *p = kz_adam_step(c, *p, fmaf(c->decay, *p, g), m, v);
}

#endif
