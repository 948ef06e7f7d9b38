/* kernels/optim/sgd.h — heavy ball:  g <- g + decay p,  v <- mu v + (1 - dampening) g,  p <- p - lr v;
 * Nesterov: p <- p - lr (g + mu v).  Polyak 1964; Sutskever et al. 2013; semantics of torch.optim.SGD.
 * One pass; reads g p v, writes p v: 20 bytes and 6 to 8 flops per parameter, so memory bounds it. */
#ifndef KZ_OPTIM_SGD_H
#define KZ_OPTIM_SGD_H

#include "kernels/optim/coef.h"

KZ_FN void kz_sgd(const kz_optim_coef *c, float g, float *p, float *v)
{
    g = fmaf(c->decay, *p, g);
    *v = kz_settle(fmaf(c->momentum, *v, c->fresh * g));
    *p = fmaf(-c->lr, c->nesterov ? fmaf(c->momentum, *v, g) : *v, *p);
}

#endif
